import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findDaemon } from '../../scripts/prepare/find-program.js';
import { PrepareFailure, say } from '../../scripts/prepare/report.js';
import { runAsRoot, runCommand } from '../../scripts/prepare/run-command.js';

const ENV = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'a' };
const OPTIONS = [
  '-y',
  '-q',
  '-o',
  'DPkg::Lock::Timeout=120',
  '-o',
  'Acquire::Retries=3',
  '-o',
  'Dpkg::Options::=--force-confold',
];

export function hasApt(): boolean {
  return findDaemon('apt-get') !== undefined && existsSync('/var/lib/dpkg/info');
}

/** True when the Debian package's files are unpacked; read from dpkg's own lists, which costs no child process. */
export function isUnpacked(debianPackage: string): boolean {
  return ['', ':amd64', ':arm64'].some((suffix) => existsSync(`/var/lib/dpkg/info/${debianPackage}${suffix}.list`));
}

/** Installs Debian packages and what they depend on, once more after repairing dpkg when the first try fails. */
export async function installDebianPackages(packages: readonly string[]): Promise<void> {
  try {
    await installOnce(packages);
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\nprepare: trying once more`);
    await runAsRoot({ title: 'Repairing dpkg', command: 'dpkg', args: ['--configure', '-a'], deadline: 180, env: ENV });
    await installOnce(packages);
  }
}

interface PackagedFile {
  readonly debianPackage: string;
  /** Its path in the package. */
  readonly file: string;
  readonly target: string;
}

/** Puts one file of a Debian package at `target` and installs nothing: no service, no user, no configuration. */
export async function extractFromDebianPackage({ debianPackage, file, target }: PackagedFile): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'swiftor-apt-'));
  try {
    await updateLists();
    const download = {
      command: 'apt-get',
      args: [...OPTIONS, 'download', debianPackage],
      deadline: 180,
      cwd: folder,
      env: ENV,
    };
    await runCommand({ title: `Downloading ${debianPackage} (apt-get download)`, ...download });
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (archive === undefined)
      throw new PrepareFailure(
        `apt-get downloaded no file of ${debianPackage}; run "apt-get install ${debianPackage}".`,
      );
    const unpack = { command: 'dpkg-deb', args: ['--extract', archive, 'unpacked'], deadline: 60, cwd: folder };
    await runCommand({ title: `Unpacking ${archive}`, ...unpack });
    mkdirSync(path.dirname(target), { recursive: true });
    // Renamed as a whole, so that a killed copy is never taken for a finished one.
    const unfinished = `${target}.${process.pid}`;
    copyFileSync(path.join(folder, 'unpacked', file), unfinished);
    renameSync(unfinished, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function updateLists(): Promise<void> {
  await runAsRoot({
    title: 'Reading the package lists (apt-get update)',
    command: 'apt-get',
    args: [...OPTIONS, 'update'],
    deadline: 180,
    env: ENV,
  });
}

async function installOnce(packages: readonly string[]): Promise<void> {
  await updateLists();
  await runAsRoot({
    title: `Installing ${packages.join(', ')} (apt-get install)`,
    command: 'apt-get',
    args: [...OPTIONS, 'install', '--no-install-recommends', ...packages],
    deadline: 480,
    env: ENV,
  });
}
