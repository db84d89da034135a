import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The version in the package.json above this file, which is built to another depth than it is written at. */
export const VERSION = readVersion(import.meta.dirname);

function readVersion(folder: string): string {
  const file = path.join(folder, 'package.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const parent = path.dirname(folder);
  return parent === folder ? 'unknown' : readVersion(parent);
}
