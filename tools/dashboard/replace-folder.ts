import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Smaller files gain nothing. */
const LEAST_BYTES = 512;

/**
 * Builds a folder, with a compressed copy beside each file and `stamp` as .built-for. It replaces the one that is there
 * as a whole: a killed build leaves nothing half made.
 */
export async function replaceFolder(
  folder: string,
  stamp: string,
  buildInto: (unfinished: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    await buildInto(unfinished);
    for (const name of await readdir(unfinished, { recursive: true })) await compress(path.join(unfinished, name));
    await writeFile(path.join(unfinished, '.built-for'), stamp);
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function compress(file: string): Promise<void> {
  if (!/\.(js|css|html|svg)$/.test(file)) return;
  const text = await readFile(file);
  if (text.length < LEAST_BYTES) return;
  const br = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } });
  await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gzipSync(text, { level: 9 }))]);
}
