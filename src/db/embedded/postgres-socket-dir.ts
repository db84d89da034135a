import { chown, lstat, mkdtemp, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PostgresAccount } from './postgres-account.ts';

const PREFIX = 'swiftor-pg-';

/**
 * Creates the socket's directory under the system's temporary directory, because a socket's path is limited to 107
 * bytes. Only its owner can enter it, which is the database's access control. `folder`/socket links to it, for `psql
 * -h` and to find the directory of a killed gateway.
 */
export async function createSocketDir(folder: string, account: PostgresAccount | undefined): Promise<string> {
  await removeSocketDir(folder);
  const created = await mkdtemp(path.join(tmpdir(), PREFIX));
  if (account !== undefined) await chown(created, account.uid, account.gid);
  await symlink(created, path.join(folder, 'socket'));
  return created;
}

/** Removes the link `folder`/socket, and its directory if `createSocketDir` made it. */
export async function removeSocketDir(folder: string): Promise<void> {
  const link = path.join(folder, 'socket');
  const target = await readlink(link).catch(() => undefined);
  if (target === undefined) return;
  // Only a real directory: in a world-writable folder, another user may have put a link in its place.
  const info = await lstat(target).catch(() => undefined);
  if (path.basename(target).startsWith(PREFIX) && info?.isDirectory() === true)
    await rm(target, { recursive: true, force: true });
  await rm(link, { force: true });
}
