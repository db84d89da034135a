import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { signToken } from '../../../src/auth/jwt.ts';
import { createTestDatabase } from '../database/database.ts';
import { startGatewayProcess, type GatewayProcess } from '../gateway/gateway-process.ts';
import { ROOMY_LIMITS } from '../gateway/roomy-limits.ts';
import { PLACES } from './arbitraries.ts';
import { JWT_SECRET } from '../gateway/tokens.ts';

const UNKNOWN = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';

export interface FuzzAccount {
  readonly token: string;
  /** A text with the places in it filled: this account's own VM, another's, and none. */
  readonly fill: (text: string) => string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A gateway in a process of its own, so that its end would be seen, with nothing that changes by itself. */
export interface FuzzGateway extends AsyncDisposable {
  readonly process: GatewayProcess;
  readonly port: number;
  /** A new account with a VM of its own. */
  account(): Promise<FuzzAccount>;
  /** Sends exactly this path, which a URL would tidy up. */
  ask(
    token: string,
    method: string,
    path: string,
    body?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /**
   * The same as long as no row of any table changes; refused starts are in the audit, and do not count here.
   */
  digest(): Promise<string>;
}

export async function startFuzzGateway(): Promise<FuzzGateway> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-fuzz-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = undo.use(await createTestDatabase());
  const gateway = undo.use(
    await startGatewayProcess({
      ...ROOMY_LIMITS,
      ROLES: 'api',
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      JWT_SECRET,
      LOG_LEVEL: 'info',
    }),
  );
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  undo.defer(() => client.end());
  const { rows } = await client.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const all = rows.map(
    ({ name }) =>
      `select '${name} ' || t::text as line from "${name}" t ${name === 'audit' ? "where action <> 'START_REFUSED'" : ''}`,
  );
  const digest = `select md5(string_agg(line, E'\\n' order by line)) as digest from (${all.join(' union all ')}) lines`;
  const port = Number(new URL(gateway.url).port);

  const ask: FuzzGateway['ask'] = (token, method, target, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const sent = request({
        port,
        method,
        path: target,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          // It would not end.
          if (isStream) response.destroy();
        });
        response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.end(body);
    });
  const create = async (token: string): Promise<string> => {
    const body = {
      config: { vmlabel: 'x', region: { code: 'AU' }, password: 'x' },
      os: { distribution: { code: 'krita' }, cpu: 1, ram: 1 },
    };
    const { text } = await ask(token, 'POST', '/vms/create', JSON.stringify(body));
    return (JSON.parse(text) as { vm: { id: string } }).vm.id;
  };
  const tokenOf = (userId: string) =>
    signToken({ userId, plan: 'engineer', ttlSeconds: 86_400 }, { secret: JWT_SECRET, audience: 'authenticated' });
  const foreign = await create(await tokenOf('foreigner'));

  let accounts = 0;
  const parts = undo.move();
  return {
    process: gateway,
    port,
    ask,
    async account() {
      accounts += 1;
      const token = await tokenOf(`account-${accounts}`);
      const own = await create(token);
      const fill = (text: string): string =>
        text.replaceAll(PLACES.own, own).replaceAll(PLACES.foreign, foreign).replaceAll(PLACES.unknown, UNKNOWN);
      return { token, fill };
    },
    async digest() {
      const result = await client.query<{ digest: string }>(digest);
      return result.rows[0]?.digest ?? '';
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
