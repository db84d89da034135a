import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';

export const VIEWER = '{ me { userId } }';
const REGIONS = '{ regions { code } }';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The id of the second operation of the file; that of the first, VIEWER, is 'me'. */
export const REGIONS_HASH = sha256(REGIONS);

export interface OperationsFile {
  readonly path: string;
  /** Writes another file beside it. Returns its path. */
  write(name: string, text: string): Promise<string>;
}

/** A file of persisted operations for the tests of the file that calls this. */
export function useOperationsFile(): OperationsFile {
  let folder = '';
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  };
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'swiftor-operations-'));
    await write('operations.json', JSON.stringify({ me: VIEWER, [REGIONS_HASH]: REGIONS }));
  });
  afterAll(() => rm(folder, { recursive: true }));
  return {
    get path() {
      return path.join(folder, 'operations.json');
    },
    write,
  };
}
