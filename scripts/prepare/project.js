import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @param {...string} parts */
export function inProject(...parts) {
  return path.join(projectRoot, ...parts);
}

/**
 * True for the project's folder and all below it.
 *
 * @param {string} file
 */
export function isInsideProject(file) {
  return file === projectRoot || file.startsWith(projectRoot + path.sep);
}
