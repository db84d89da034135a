import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The 32 bytes kept in base64 in `dir`/`name`; made, readable by its owner only, when there are none yet. */
export async function getOrCreateKey(dir: string, name: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, name);
  // Of this call alone: a pid is not unique among containers that share the directory, nor among calls.
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
    // Whole or not at all, and never over another one: what it sealed could not be opened any more.
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}
