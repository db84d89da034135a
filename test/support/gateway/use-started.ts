import { afterAll, beforeAll } from 'vitest';

/**
 * Starts something before the tests of the file or `describe` that calls this, and disposes of it after them, in the
 * order of the other hooks. Returns what gives it to tests and to later hooks.
 */
export function useStarted<T extends AsyncDisposable>(name: string, start: () => Promise<T>, hookMs?: number): () => T {
  let started: T | undefined;
  beforeAll(async () => {
    started = await start();
  }, hookMs);
  afterAll(() => started?.[Symbol.asyncDispose](), hookMs);
  return () => {
    if (started === undefined) throw new Error(`The ${name} is started by a hook: use it in tests and in later hooks.`);
    return started;
  };
}
