import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { ROOMY_LIMITS } from '../../support/gateway/roomy-limits.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway/gateway-process.ts';
import { JWT_SECRET, testToken } from '../../support/gateway/tokens.ts';
import { UNLIMITED_PLAN } from '../../support/gateway/unlimited-plan.ts';

let token: string;
beforeAll(async () => {
  token = await testToken('alice', { plan: 'unlimited' });
});

/** Settings of a gateway whose engine is away: nothing here needs a container. */
async function settings(more: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-outage-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  await writeFile(path.join(dataDir, 'plans.json'), JSON.stringify({ plans: [UNLIMITED_PLAN] }));
  return {
    DATA_DIR: dataDir,
    PLANS_FILE: path.join(dataDir, 'plans.json'),
    REGIONS: `AU=unix://${dataDir}/no-engine.sock`,
    JWT_SECRET,
    SECRETS_KEY: Buffer.alloc(32, 9).toString('base64'),
    ...ROOMY_LIMITS,
    ...more,
  };
}

async function startGateway(env: Record<string, string>): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess(env);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

async function newDatabase(): Promise<string> {
  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database.url;
}

/** The status and body of an answer. */
async function call(
  gateway: GatewayProcess,
  method: string,
  at: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(gateway.url + at, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
async function createVm(gateway: GatewayProcess, label: string): Promise<string | undefined> {
  const answer = await call(gateway, 'POST', '/vms/create', {
    config: { vmlabel: label, region: { code: 'AU' }, password: 'x', storageType: 'persistent' },
    os: { distribution: { code: 'krita' }, cpu: 1, ram: 1 },
  });
  if (answer.status < 300) return (answer.body as { vm: { id: string } }).vm.id;
  expect(answer, 'an outage is the only reason to refuse').toMatchObject({
    status: 503,
    body: { code: 'UNAVAILABLE' },
  });
  return undefined;
}
const idsOf = async (gateway: GatewayProcess): Promise<string[]> =>
  ((await call(gateway, 'GET', '/vms')).body as { vms?: { id: string }[] }).vms?.map(({ id }) => id) ?? [];
const isReady = async (gateway: GatewayProcess) => (await call(gateway, 'GET', '/health/ready')).status === 200;
/** What the gateway logged about the database as such. */
const saidOfDatabase = ({ lines }: GatewayProcess) =>
  lines.flatMap((line) => /"msg":"(the database [^"]*)"/.exec(line)?.[1] ?? []);
/** Errors, and what is no log line, such as a crash; the engine of these gateways is away, which they say too. */
const alarming = ({ lines }: GatewayProcess) =>
  lines.filter((line) => !/^\{.*("level":(10|20|30|40),|the engine does not answer)/.test(line));

/** Creates VMs, four at a time, until the signal aborts; the ids of those that were acknowledged. */
async function createUntil(gateway: GatewayProcess, signal: AbortSignal): Promise<string[]> {
  const acknowledged: string[] = [];
  const work = async (lane: number): Promise<void> => {
    for (let count = 0; !signal.aborted; count += 1) {
      const id = await createVm(gateway, `vm-${lane}-${count}`);
      if (id !== undefined) acknowledged.push(id);
    }
  };
  await Promise.all([0, 1, 2, 3].map(work));
  return acknowledged;
}

describe('a database that closes connections under load', () => {
  it('does not end the gateway, which keeps all acknowledged changes and logs the outage once', async () => {
    const url = await newDatabase();
    const gateway = await startGateway(await settings({ DATABASE_URL: url }));
    const load = AbortSignal.timeout(6_000);
    const creating = createUntil(gateway, load);
    // Of this database only: other tests use the same server.
    const ours = "datname = current_database() and application_name like 'swiftor%'";
    while (!load.aborted) {
      await executeSql(url, `select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`);
      await sleep(50);
    }
    const acknowledged = await creating;
    expect(gateway.child.exitCode).toBe(null);
    await eventually(() => isReady(gateway), { deadline: 20_000 });
    expect(await createVm(gateway, 'after')).toBeDefined();
    expect(await idsOf(gateway)).toEqual(expect.arrayContaining(acknowledged));
    await eventually(() => saidOfDatabase(gateway).length >= 2, { deadline: 40_000 });
    expect(saidOfDatabase(gateway)).toEqual(['the database does not answer', 'the database answers again']);
    expect(alarming(gateway)).toEqual([expect.stringContaining('the database does not answer')]);
  }, 90_000);
});

describe('a database that stops answering', () => {
  it('makes the only gateway unready until it answers again', async () => {
    const url = await newDatabase();
    await using proxy = await openDatabaseProxy(url);
    const gateway = await startGateway(await settings({ DATABASE_URL: proxy.url }));
    const id = await createVm(gateway, 'waits');
    expect(await isReady(gateway)).toBe(true);
    const claims = async () =>
      (await executeSql(url, `select observed_generation as n from vm where id = '${id}'`)).rows as readonly {
        n: string;
      }[];

    proxy.set('blackhole');
    const cutAt = performance.now();
    // What another gateway would do for a start.
    await executeSql(
      url,
      `update vm set enabled = true, generation = generation + 1, next_attempt_at = now() where id = '${id}'`,
    );
    await eventually(async () => !(await isReady(gateway)), { deadline: 15_000 });
    expect(await createVm(gateway, 'refused')).toBeUndefined();
    await eventually(
      async () => {
        const { body } = await call(gateway, 'GET', '/health/ready');
        return /stalled/.test(JSON.stringify(body));
      },
      { deadline: 25_000 },
    );
    await sleep(Math.max(0, 20_000 - (performance.now() - cutAt)));
    const [before] = await claims();
    proxy.set('pass');
    await eventually(async () => (await claims())[0]?.n !== before?.n, { deadline: 12_000 });
    await eventually(() => isReady(gateway), { deadline: 15_000 });
    await eventually(() => saidOfDatabase(gateway).length >= 2, { deadline: 40_000 });
    expect(saidOfDatabase(gateway)).toEqual(['the database does not answer', 'the database answers again']);
  }, 120_000);

  it('does not delay the shutdown of the gateway, which exits with 0', async () => {
    const url = await newDatabase();
    await using proxy = await openDatabaseProxy(url);
    const gateway = await startGateway(await settings({ DATABASE_URL: proxy.url }));
    await createVm(gateway, 'waits');
    proxy.set('blackhole');
    // Once a statement hangs.
    await expect(call(gateway, 'GET', '/vms')).resolves.toMatchObject({ status: 503 });
    const begun = performance.now();
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(performance.now() - begun).toBeLessThan(9_000);
  }, 60_000);
});

describe('the embedded database', () => {
  it('is restarted by its gateway after a kill, with all acknowledged changes', async () => {
    const env = await settings();
    const gateway = await startGateway(env);
    const pidFile = path.join(env['DATA_DIR'] ?? '', 'postgres/cluster/postmaster.pid');
    const postmaster = Number((await readFile(pidFile, 'utf8')).split('\n')[0]);
    const load = new AbortController();
    const creating = createUntil(gateway, load.signal);
    await eventually(async () => (await idsOf(gateway)).length > 3, { deadline: 20_000 });
    process.kill(postmaster, 'SIGKILL');
    const killedAt = performance.now();
    await eventually(async () => !(await isReady(gateway)), { deadline: 20_000 });
    await eventually(() => isReady(gateway), { deadline: 30_000 });
    expect(performance.now() - killedAt).toBeLessThan(30_000);
    load.abort();
    const acknowledged = await creating;
    expect(await idsOf(gateway)).toEqual(expect.arrayContaining(acknowledged));
    // Its end and the outage that it is: not a line for each connection that was cut or refused.
    const errors = gateway.lines.filter((line) => line.includes('"level":50'));
    expect(errors.map((line) => /"msg":"([^"]*)"/.exec(line)?.[1] ?? '').toSorted()).toEqual([
      expect.stringContaining('PostgreSQL ended unexpectedly'),
      'the database does not answer',
    ]);
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
  }, 120_000);
});
