import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { readConfig } from '../../../src/config/read-config.ts';
import { createLog, type Log } from '../../../src/log.ts';
import { startServer } from '../../../src/server.ts';
import { createTestDatabase } from '../database/database.ts';
import { removeInstallation } from '../engine/engines.ts';
import { executeSql } from '../database/execute-sql.ts';
import { ROOMY_LIMITS } from './roomy-limits.ts';
import { sendRest, type RestOptions } from '../api/send-rest.ts';
import { testImage } from '../engine/images/tiny-image.ts';
import { JWT_SECRET, testToken, type TestTokenOptions } from './tokens.ts';
import { UNLIMITED_PLAN } from './unlimited-plan.ts';

export const SECRETS_KEY = Buffer.alloc(32, 7).toString('base64');

/** One that is cut while it connects says so with an error, which nobody waits for. */
class CutWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args);
    this.on('error', () => undefined);
  }
}

export interface GraphqlAnswer<T> {
  readonly data?: T;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string; readonly [name: string]: unknown };
  }[];
}

export interface TestGateway extends AsyncDisposable {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** A token; engineer's plan unless another is named. */
  token(userId: string, options?: TestTokenOptions): Promise<string>;
  graphql<T>(token: string, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer<T>>;
  rest(token: string | undefined, method: string, path: string, options?: RestOptions): Promise<Response>;
  /** What SIGHUP does. */
  reload(): Promise<void>;
  /** A graphql-ws client that does not reconnect by itself. */
  subscribe(token: string): Client;
}

export interface TestGatewayOptions {
  /** Of a gateway that shares its database with another; that one drops it. */
  readonly databaseUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Entries over the built-in catalog; ubuntu, krita and code-server run the tiny image. */
  readonly distributions?: readonly object[];
  /** The built-in catalog as it is, but for `distributions`. */
  readonly withoutTiny?: boolean;
  /** Plans over the built-in ones and the unlimited one. */
  readonly plans?: readonly object[];
  /** In place of one that writes nothing. */
  readonly log?: Log;
  /** Of `startServer`. */
  readonly orphanGraceMs?: number;
}

/**
 * The real server on a port of its own, with a database of its own and the real engine. Its disposal leaves nothing of
 * it.
 */
export async function createTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  await using undo = new AsyncDisposableStack();
  const image = await testImage();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-gateway-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const databaseUrl = options.databaseUrl ?? undo.use(await createTestDatabase()).url;
  if (options.databaseUrl === undefined) {
    const { rows } = await executeSql(databaseUrl, 'select id from installation');
    undo.defer(() => removeInstallation((rows[0] as { id: string }).id));
  }
  const catalogFile = path.join(dataDir, 'catalog.json');
  const tinyOnes = options.withoutTiny ? [] : ['ubuntu', 'krita', 'code-server'];
  const tiny = tinyOnes.map((code) => ({ code, image, defaultPort: 3000, stopGraceSeconds: 2, bootSeconds: 20 }));
  await writeFile(catalogFile, JSON.stringify({ distributions: [...tiny, ...(options.distributions ?? [])] }));
  const plansFile = path.join(dataDir, 'plans.json');
  await writeFile(plansFile, JSON.stringify({ plans: [UNLIMITED_PLAN, ...(options.plans ?? [])] }));
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: databaseUrl,
    DATA_DIR: dataDir,
    JWT_SECRET,
    SECRETS_KEY,
    CATALOG_FILE: catalogFile,
    PLANS_FILE: plansFile,
    // All tests share one address and send more requests than people do. Tests of the limits set their own.
    ...ROOMY_LIMITS,
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ...options.env,
  });
  const { orphanGraceMs } = options;
  const server = await startServer(
    config,
    options.log ?? (await createLog({ level: config.logLevel })),
    new AbortController().signal,
    orphanGraceMs === undefined ? {} : { orphanGraceMs },
  );
  undo.defer(() => server.close());
  const { port } = server.address;
  const url = `http://127.0.0.1:${port}`;

  const parts = undo.move();
  return {
    url,
    port,
    databaseUrl,
    token: testToken,
    async graphql(token, query, variables = {}) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
      });
      return response.json();
    },
    reload: () => server.reload(),
    rest: (...request) => sendRest(url, ...request),
    subscribe: (token) =>
      createClient({
        url: `ws://127.0.0.1:${port}/graphql`,
        webSocketImpl: CutWebSocket,
        connectionParams: { authorization: `Bearer ${token}` },
        retryAttempts: 0,
        lazy: true,
      }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
