import { readFile } from 'node:fs/promises';
import { errorCode } from '../error-code.ts';

/**
 * Reads the file that a setting names, in UTF-8 and without the byte order mark that some editors write. The error
 * names the setting.
 */
export async function readTextFile(setting: string, file: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readFile(file));
  } catch (error) {
    throw new Error(`${setting} "${file}" cannot be read: ${errorCode(error) ?? 'for an unknown reason'}.`, {
      cause: error,
    });
  }
}
