import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CachedContent } from '../http/response/send-cached.ts';
import { errorCode } from '../lib/error-code.ts';

/** A file of the built page, in memory. */
export interface DashboardFile extends CachedContent {
  /** Whether its name changes with its content, so that browsers never ask for it again. */
  readonly isImmutable: boolean;
  readonly bodies: CachedContent['bodies'] & { readonly identity: Buffer };
}

/** From the path of a request to the file. */
export type DashboardFiles = ReadonlyMap<string, DashboardFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Beside the compiled code, or where `scripts/prepare.js` builds it for the sources. */
const FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../.runtime/dashboard' : '../../dashboard', import.meta.url),
);

/** Reads all files of the built page, under 300 kB; undefined if it has not been built. */
export async function loadDashboardFiles(folder = FOLDER): Promise<DashboardFiles | undefined> {
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

async function loadFile(folder: string, name: string, names: readonly string[]): Promise<DashboardFile> {
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
