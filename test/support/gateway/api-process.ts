import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestDatabase } from '../database/database.ts';
import type { GraphqlAnswer } from './gateway.ts';
import { startGatewayProcess, type GatewayProcess } from './gateway-process.ts';
import { ROOMY_LIMITS } from './roomy-limits.ts';
import { sendRest, type RestOptions } from './send-rest.ts';
import { JWT_SECRET, testToken } from './tokens.ts';

/**
 * A gateway in a process of its own that serves the API alone, so that no engine is needed and its end would be seen.
 */
export interface ApiProcess extends GatewayProcess {
  readonly port: number;
  readonly databaseUrl: string;
  token(userId: string, ttlSeconds?: number): Promise<string>;
  post(token: string, query: string, variables?: Record<string, unknown>, options?: RequestInit): Promise<Response>;
  graphql<T>(token: string, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer<T>>;
  rest(token: string | undefined, method: string, path: string, options?: RestOptions): Promise<Response>;
  /** A VM of the token's account; its id. */
  createVm(token: string, vmlabel: string): Promise<string>;
  /** The lines of its log at this level or above, and all that is no log. */
  linesFrom(level: number): string[];
}

export async function startApiProcess(env: Readonly<Record<string, string>> = {}): Promise<ApiProcess> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-api-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const { url: databaseUrl } = undo.use(await createTestDatabase());
  const settings = { ...ROOMY_LIMITS, ROLES: 'api', DATABASE_URL: databaseUrl, DATA_DIR: dataDir, JWT_SECRET };
  const gateway = undo.use(await startGatewayProcess({ NODE_OPTIONS: '--trace-warnings', ...settings, ...env }));
  const parts = undo.move();

  const post: ApiProcess['post'] = (token, query, variables = {}, options = {}) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      ...options,
    });
  return {
    ...gateway,
    port: Number(new URL(gateway.url).port),
    databaseUrl,
    token: (userId, ttlSeconds = 600) => testToken(userId, { ttlSeconds }),
    post,
    graphql: async (...request) => (await post(...request)).json(),
    rest: (...request) => sendRest(gateway.url, ...request),
    async createVm(token, vmlabel) {
      const input = { vmlabel, region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 };
      const response = await post(token, 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }', {
        input,
      });
      const { data } = (await response.json()) as { data: { createVm: { id: string } } };
      return data.createVm.id;
    },
    linesFrom: (level) =>
      gateway.lines.filter((line) => !line.startsWith('{') || (JSON.parse(line) as { level: number }).level >= level),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
