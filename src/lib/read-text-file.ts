import { readFile } from 'node:fs/promises';

/** Reads a file in UTF-8, without the byte order mark that some editors write. */
export async function readTextFile(file: string): Promise<string> {
  return new TextDecoder().decode(await readFile(file));
}
