import { afterAll, beforeAll } from 'vitest';
import { startApi, type Api } from './api.ts';

/**
 * An API for the tests of the file or `describe` that calls this: started before them and disposed of after them, in
 * the order of the other hooks.
 */
export function useApi(env: Readonly<Record<string, string>> = {}): Api {
  let started: Api | undefined;
  const running = (): Api => {
    if (started === undefined) throw new Error('The API is started by a hook: use it in tests and in later hooks.');
    return started;
  };
  beforeAll(async () => {
    started = await startApi(env);
  });
  afterAll(() => started?.[Symbol.asyncDispose]());
  return {
    get url() {
      return running().url;
    },
    get port() {
      return running().port;
    },
    get databaseUrl() {
      return running().databaseUrl;
    },
    get lines() {
      return running().lines;
    },
    token: (...args) => running().token(...args),
    post: (...args) => running().post(...args),
    graphql: (...args) => running().graphql(...args),
    rest: (...args) => running().rest(...args),
    createVm: (...args) => running().createVm(...args),
    [Symbol.asyncDispose]: () => running()[Symbol.asyncDispose](),
  };
}
