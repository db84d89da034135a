import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfig } from '../../../src/config/read-config.ts';
import { createLog } from '../../../src/log.ts';
import { startServer } from '../../../src/server.ts';
import { createTestDatabase } from '../database/database.ts';
import type { GraphqlAnswer } from '../gateway/gateway.ts';
import { ROOMY_LIMITS } from '../gateway/roomy-limits.ts';
import { sendRest, type RestOptions } from './send-rest.ts';
import { JWT_SECRET, testToken } from '../gateway/tokens.ts';

/** What tests ask of a gateway's API. */
export interface ApiClient {
  token(userId: string, ttlSeconds?: number): Promise<string>;
  post(token: string, query: string, variables?: Record<string, unknown>, options?: RequestInit): Promise<Response>;
  graphql<T>(token: string, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer<T>>;
  rest(token: string | undefined, method: string, path: string, options?: RestOptions): Promise<Response>;
  /** A VM of the token's account; its id. */
  createVm(token: string, vmlabel: string): Promise<string>;
}

/** A gateway that serves the API alone, so that it needs no engine. */
export interface Api extends ApiClient, AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** Its log so far. */
  readonly lines: readonly string[];
}

/** Its settings, without those of the database. */
export const API_ENV = { ...ROOMY_LIMITS, ROLES: 'api', JWT_SECRET } as const;

/** Each API would start containers to learn what this machine's engine can do: in this process, there is none for it. */
const NO_ENGINE = { DOCKER_HOST: 'unix:///nonexistent.sock' } as const;

/** One in this process: that takes a tenth of the time of a process. Its disposal leaves nothing of it. */
export async function startApi(env: Readonly<Record<string, string>> = {}): Promise<Api> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-api-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const databaseUrl = env['DATABASE_URL'] ?? undo.use(await createTestDatabase()).url;
  const config = readConfig({
    PORT: '0',
    ...API_ENV,
    ...NO_ENGINE,
    DATA_DIR: dataDir,
    ...env,
    DATABASE_URL: databaseUrl,
  });
  const lines: string[] = [];
  const log = await createLog({ level: config.logLevel, to: { write: (line) => void lines.push(line.trimEnd()) } });
  const server = await startServer(config, log, new AbortController().signal);
  undo.defer(() => server.close());
  const url = `http://127.0.0.1:${server.address.port}`;
  const parts = undo.move();
  return {
    ...apiClient(url),
    url,
    port: server.address.port,
    databaseUrl,
    lines,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Asks the gateway at `url`. */
export function apiClient(url: string): ApiClient {
  const post: ApiClient['post'] = (token, query, variables = {}, options = {}) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      ...options,
    });
  return {
    token: (userId, ttlSeconds = 600) => testToken(userId, { ttlSeconds }),
    post,
    graphql: async (...request) => (await post(...request)).json(),
    rest: (...request) => sendRest(url, ...request),
    async createVm(token, vmlabel) {
      const input = { vmlabel, region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 };
      const response = await post(token, 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }', {
        input,
      });
      const { data } = (await response.json()) as { data: { createVm: { id: string } } };
      return data.createVm.id;
    },
  };
}
