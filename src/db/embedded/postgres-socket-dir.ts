import { chown, lstat, mkdtemp, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PostgresAccount } from './postgres-account.ts';

const PREFIX = 'swiftor-pg-';

/**
 * Makes the directory of the socket: in the system's folder for temporary files, because a socket's path may not be longer than
 * 107 bytes and a data directory's often is; for its owner alone, because who can enter it is let into the database.
 * `folder`/socket links to it, for people (psql -h) and for the removal of one that a killed gateway left.
 */
export async function createSocketDir(folder: string, account: PostgresAccount | undefined): Promise<string> {
  await removeSocketDir(folder);
  const created = await mkdtemp(path.join(tmpdir(), PREFIX));
  if (account !== undefined) await chown(created, account.uid, account.gid);
  await symlink(created, path.join(folder, 'socket'));
  return created;
}

/** Removes the directory that `folder`/socket links to, if it is one of ours, and the link. */
export async function removeSocketDir(folder: string): Promise<void> {
  const link = path.join(folder, 'socket');
  const target = await readlink(link).catch(() => undefined);
  if (target === undefined) return;
  // Only what is a directory by itself: in a folder that all may write to, another may have put a link in its place.
  const info = await lstat(target).catch(() => undefined);
  if (path.basename(target).startsWith(PREFIX) && info?.isDirectory() === true) await rm(target, { recursive: true, force: true });
  await rm(link, { force: true });
}
