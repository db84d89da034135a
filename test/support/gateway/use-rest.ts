import { afterAll, beforeAll, expect } from 'vitest';
import { startApi, type Api } from './api.ts';
import { answerMisfits } from './openapi-check.ts';

/**
 * An API for the tests of the file that calls this. Every answer of its `rest` is as the OpenAPI document describes it,
 * but for event streams, which the tests read themselves.
 */
export function useRest(
  env: Readonly<Record<string, string>> = {},
): Pick<Api, 'graphql' | 'rest' | 'url' | 'port' | 'databaseUrl'> {
  let started: Api | undefined;
  const running = (): Api => {
    if (started === undefined) throw new Error('The gateway is started by a hook: use it in tests.');
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
    graphql: (...args) => running().graphql(...args),
    async rest(token, method, path, options) {
      const response = await running().rest(token, method, path, options);
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('text/event-stream')) {
        const text = await response.clone().text();
        expect(answerMisfits(method, path, { status: response.status, type, text })).toEqual([]);
      }
      return response;
    },
  };
}
