import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openEngineProxy, type EngineAct, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const MANY = 10;

let proxy: EngineProxy;
beforeAll(async () => {
  proxy = await openEngineProxy();
});
afterAll(() => proxy[Symbol.asyncDispose]());
const gateway = useGateway(() => {
  const slowly = "trap 'exit 0' TERM; (sleep 3; exec /bin/busybox httpd -f -p 3000 -h /www) & wait";
  return {
    env: { REGIONS: `AU=${proxy.endpoint}` },
    distributions: [
      {
        code: 'slow',
        image: 'swiftor-test/tiny:1',
        defaultPort: 3000,
        command: ['/bin/sh', '-c', slowly],
        stopGraceSeconds: 2,
        bootSeconds: 30,
      },
    ],
  };
});
const token = await testToken('alice', { plan: 'unlimited' });

const sql = async <T>(text: string): Promise<T[]> => (await executeSql(gateway.databaseUrl, text)).rows as T[];
const statuses = async (): Promise<string[]> =>
  (await sql<{ status: string }>('select status from vm')).map(({ status }) => status);
const start = (id: string) => gateway.rest(token, 'POST', `/vms/start/${id}`);
const areAll = (status: string) => async () => (await statuses()).every((one) => one === status);

async function createMany(input: object = {}): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: MANY }, () => createVm(gateway, token, { ...input })));
  onTestFinished(async () => {
    await Promise.all(ids.map((id) => gateway.rest(token, 'DELETE', `/vms/delete/${id}`)));
    await eventually(async () => (await statuses()).length === 0, { deadline: 60_000 });
  }, 60_000);
  return ids;
}

/** Each VM's container and when it started. */
async function runs(ids: readonly string[]): Promise<string[]> {
  return Promise.all(
    ids.map(async (id) => {
      const found = await docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${id}`] } });
      const all = await Promise.all(
        found.map(async ({ Id }) => (await docker.getContainer(Id).inspect()).State.StartedAt),
      );
      return `${id} ${found.map(({ Id }) => Id).join()} ${all.join()}`;
    }),
  );
}

/** The statuses of all events after the account's number, without those that say which VM moved. */
const toldSince = (seq: number) =>
  sql<{ status: string }>(`select distinct status from vm_event where seq > ${seq} order by status`);
const lastSeq = async (): Promise<number> =>
  Math.max(0, ...(await sql<{ seq: number }>('select event_seq::int as seq from account')).map(({ seq }) => seq));

/** One in four calls, as scattered as the seed says. */
const oneInSixteen = (seed: number) => (n: number) => Math.imul(n + seed, 0x9e3779b1) >>> 28 === 0;

const BAD: readonly (readonly [string, EngineAct])[] = [
  ['is an internal error', { kind: 'answer', status: 500, body: { message: 'the engine is out of order' } }],
  ['is no JSON', { kind: 'answer', status: 200, body: '{"Id": [' }],
  ['is cut before its head', { kind: 'cut', at: 'answer' }],
  ['is cut after its head', { kind: 'cut', at: 'body' }],
];

describe('an engine of whose answers one in sixteen', () => {
  it.each(BAD)(
    '%s stops no app, fails no VM, and brings up what is started meanwhile',
    async (_what, act) => {
      const ids = await createMany();
      await Promise.all(ids.slice(1).map(start));
      const [late = '', ...up] = ids;
      const isUp = async () => (await statuses()).filter((status) => status === 'RUNNING').length === up.length;
      await eventually(isUp, { deadline: 60_000 });
      const [before, seq] = [await runs(up), await lastSeq()];
      const calls = proxy.calls.length;
      const heal = proxy.rule({ call: /^(?!GET \/events)/, nth: oneInSixteen(7), act });
      onTestFinished(heal);
      await start(late);
      // Each is looked at again and again, so that many calls meet the rule.
      await eventually(
        async () => {
          await sql(
            "with due as (update vm set wakes = wakes + 1, next_attempt_at = now() returning id) select pg_notify('vm_due', id::text) from due",
          );
          return proxy.calls.length - calls > 200;
        },
        { deadline: 60_000 },
      );
      await eventually(async () => (await statuses()).every((status) => status === 'RUNNING'), { deadline: 60_000 });
      heal();
      expect(await sql('select last_failure from vm where last_failure is not null')).toEqual([]);
      expect(await runs(up)).toEqual(before);
      const told = (await toldSince(seq)).map(({ status }) => status);
      expect(told.filter((status) => ['FAILED', 'STOPPING', 'STOPPED'].includes(status))).toEqual([]);
    },
    200_000,
  );
});

/** When a container that is created, and not started yet, was started. */
const NEVER = '0001-01-01T00:00:00Z';

describe('a database that ends its connections', () => {
  it('again and again while VMs come up, stops no app and is not said to be their failure', async () => {
    const ids = await createMany({ distribution: 'slow', desktop: null });
    const seq = await lastSeq();
    await Promise.all(ids.map(start));
    let ended = 0;
    await eventually(
      async () => {
        const { length } = await sql(`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and application_name = 'swiftor-gateway'
        `);
        ended += length;
        return (
          (await docker.listContainers({ filters: { label: ids.map((id) => `io.swiftor.vm=${id}`).slice(0, 1) } }))
            .length === 1 && ended > 60
        );
      },
      { deadline: 40_000 },
    );
    const started = await eventually(
      async () => {
        const seen = await runs(ids);
        return seen.every((run) => run.split(' ')[1] !== '' && !run.endsWith(NEVER)) && seen;
      },
      { deadline: 60_000 },
    );
    await eventually(areAll('RUNNING'), { deadline: 60_000 });
    expect(await runs(ids)).toEqual(started);
    const told = (await toldSince(seq)).map(({ status }) => status);
    expect(told).toEqual(
      ['BOOTING', 'PULLING', 'QUEUED', 'RUNNING', 'STARTING'].filter((status) => told.includes(status)),
    );
  }, 150_000);
});
