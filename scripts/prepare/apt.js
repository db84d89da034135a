import { existsSync } from 'node:fs';
import { findDaemon } from './find-program.js';
import { runAsRoot } from './run-command.js';
import { say } from './report.js';

const ENV = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'a' };
const OPTIONS = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3', '-o', 'Dpkg::Options::=--force-confold'];

export function hasApt() {
  return findDaemon('apt-get') !== undefined && existsSync('/var/lib/dpkg/info');
}

/** True when the Debian package's files are unpacked; read from dpkg's own lists, which costs no child process. */
export function isUnpacked(debianPackage) {
  return ['', ':amd64', ':arm64'].some((suffix) => existsSync(`/var/lib/dpkg/info/${debianPackage}${suffix}.list`));
}

/** Installs Debian packages and what they depend on, once more after repairing dpkg when the first try fails. */
export async function installDebianPackages(packages) {
  try {
    await installOnce(packages);
  } catch (error) {
    say(`${error.message}\nprepare: trying once more`);
    await runAsRoot({ title: 'Repairing dpkg', command: 'dpkg', args: ['--configure', '-a'], deadline: 180, env: ENV });
    await installOnce(packages);
  }
}

async function installOnce(packages) {
  await runAsRoot({
    title: 'Reading the package lists (apt-get update)',
    command: 'apt-get',
    args: [...OPTIONS, 'update'],
    deadline: 180,
    env: ENV,
  });
  await runAsRoot({
    title: `Installing ${packages.join(', ')} (apt-get install)`,
    command: 'apt-get',
    args: [...OPTIONS, 'install', '--no-install-recommends', ...packages],
    deadline: 480,
    env: ENV,
  });
}
