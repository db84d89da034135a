import path from 'node:path';
import { acquireProcessLock, LockHeldError, type ProcessLock } from './process-lock.js';

/**
 * Makes this process the only owner of `dataDir`, which is created where it is missing. Rejects with a sentence that
 * names the directory and the living owner's pid.
 */
export async function acquireDataDirLock(dataDir: string): Promise<ProcessLock> {
  try {
    return await acquireProcessLock(path.join(dataDir, 'lock'));
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    const where = path.resolve(dataDir);
    const message =
      `The data directory ${where} is in use by process ${error.pid}. Stop that process, or give this one ` +
      'another DATA_DIR.';
    throw new Error(message, { cause: error });
  }
}
