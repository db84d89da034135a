import { startApi, type Api } from './api.ts';
import { useStarted } from '../gateway/use-started.ts';

/** An API for the tests of the file or `describe` that calls this, see `useStarted`. */
export function useApi(env: Readonly<Record<string, string>> = {}): Api {
  const running = useStarted('API', () => startApi(env));
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
