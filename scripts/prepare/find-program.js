import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** Where daemons are, which a person's PATH often lacks. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/**
 * The first executable file of that name on PATH, `accept` deciding on folders; undefined when there is none.
 *
 * @param {string} name
 * @param {(folder: string) => boolean} accept
 */
export function findOnPath(name, accept = () => true) {
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '' && accept(path.resolve(folder)));
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

/**
 * As `findOnPath`, looking in the system's own folders too.
 *
 * @param {string} name
 */
export function findDaemon(name) {
  return findOnPath(name) ?? SYSTEM_FOLDERS.map((folder) => path.join(folder, name)).find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
