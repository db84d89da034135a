import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../lib/error-code.ts';
import { BUILT } from '../../lib/files/files.ts';
import type { CachedContent } from './send-cached.ts';

/** A file of a built page, in memory. */
export interface BuiltFile extends CachedContent {
  /** Whether its name changes with its content, so that browsers never ask for it again. */
  readonly isImmutable: boolean;
  readonly bodies: CachedContent['bodies'] & { readonly identity: Buffer };
}

/** From the path of a request to the file. */
export type BuiltFiles = ReadonlyMap<string, BuiltFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads one file that is not served; undefined if it has not been built. */
export async function readBuiltFile(folderName: 'dashboard', name: string): Promise<string | undefined> {
  return readFile(path.join(BUILT, folderName, name), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/** Reads all files of a built folder, under 700 kB; undefined if it has not been built. */
export async function loadBuiltFiles(folderName: 'dashboard' | 'vm-pages'): Promise<BuiltFiles | undefined> {
  const folder = path.join(BUILT, folderName);
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (names === undefined) return undefined;
  const shown = names.filter((name) => path.extname(name) in TYPES);
  const files = await Promise.all(
    shown.map(async (name) => [`/${name}`, await loadFile(folder, name, names)] as const),
  );
  return new Map(files);
}

async function loadFile(folder: string, name: string, names: readonly string[]): Promise<BuiltFile> {
  const read = async (file: string): Promise<Buffer | undefined> =>
    names.includes(file) ? readFile(path.join(folder, file)) : undefined;
  const [identity, br, gzip] = await Promise.all([
    readFile(path.join(folder, name)),
    read(`${name}.br`),
    read(`${name}.gz`),
  ]);
  return {
    type: TYPES[path.extname(name)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`,
    isImmutable: name.startsWith('assets/'),
    bodies: { identity, br, gzip },
  };
}
