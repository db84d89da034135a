import { expect } from 'vitest';
import type { Api } from './api.ts';
import { answerMisfits } from './openapi-check.ts';
import { useApi } from './use-api.ts';

/**
 * An API for the tests of the file that calls this. Every answer of its `rest` is as the OpenAPI document describes it,
 * but for event streams, which the tests read themselves.
 */
export function useRest(
  env: Readonly<Record<string, string>> = {},
): Pick<Api, 'graphql' | 'rest' | 'url' | 'port' | 'databaseUrl'> {
  const api = useApi(env);
  return {
    get url() {
      return api.url;
    },
    get port() {
      return api.port;
    },
    get databaseUrl() {
      return api.databaseUrl;
    },
    graphql: api.graphql,
    async rest(token, method, path, options) {
      const response = await api.rest(token, method, path, options);
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('text/event-stream')) {
        const text = await response.clone().text();
        expect(answerMisfits(method, path, { status: response.status, type, text })).toEqual([]);
      }
      return response;
    },
  };
}
