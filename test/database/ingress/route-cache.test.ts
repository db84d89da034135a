import { randomUUID } from 'node:crypto';
import { sql, type KyselyPlugin, type PluginTransformQueryArgs, type PluginTransformResultArgs } from 'kysely';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import { RouteCache } from '../../../src/ingress/routing/route-cache.ts';
import type { Upstream } from '../../../src/ingress/routing/resolution.ts';
import { Tickets } from '../../../src/ingress/access/tickets.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openTestSecretBox } from '../../support/database/secret-box.ts';
import { FORWARD } from '../../support/vm/vms.ts';

const MANY = 10_001;
/** One request of a visitor without cookies. */
const NAME = 'web';

/** Holds the results of statements back, while it is asked to. */
class HeldResults implements KyselyPlugin {
  /** Resolves when a result is held, with what lets it go. */
  hold: ((letGo: () => void) => void) | undefined;

  transformQuery({ node }: PluginTransformQueryArgs) {
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    const { hold } = this;
    if (hold !== undefined) await new Promise<void>((resolve) => hold(resolve));
    return result;
  }

  /** Holds the results of all statements from now on until the first has one. Resolves with what lets that go. */
  async next(): Promise<() => void> {
    const letGo = await new Promise<() => void>((resolve) => (this.hold = resolve));
    this.hold = undefined;
    return letGo;
  }
}

/** A table over a database of its own, with the statements that it asks. */
async function openTable() {
  const undo = new AsyncDisposableStack();
  onTestFinished(() => undo.disposeAsync());
  const { url } = undo.use(await createTestDatabase());
  const queries: string[] = [];
  const results = new HeldResults();
  const plain = undo.adopt(createDatabase(url, { onQuery: (text) => queries.push(text) }), (open) => open.destroy());
  const db = plain.withPlugin(results);
  const listener = undo.adopt(await Listener.open({ url }), (open) => open.close());
  const catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
  const tickets = new Tickets({ secretBox: await openTestSecretBox(db), secure: false });
  const table = undo.adopt(
    new RouteCache({ db, listener, catalog, forward: FORWARD, tickets, dashboardUrl: undefined }),
    (open) => open.close(),
  );
  await executeSql(url, "insert into account (user_id, plan) values ('alice', 'core')");
  return { url, table, queries, db, listener, results };
}

/** Ids of VMs that run and have one public address. */
async function insertVms(url: string, count: number, id?: string): Promise<string[]> {
  const { rows } = await executeSql(
    url,
    `with made as (
       insert into vm (id, user_id, vmlabel, region, distribution, cpu, ram_gb, persistent, enabled, status, engine_ref, address)
       select ${id === undefined ? 'gen_random_uuid()' : `'${id}'`}, 'alice', 'many', 'AU', 'ubuntu', 1, 1, false, true, 'RUNNING', 'ref-' || i, '127.0.0.1' from generate_series(1, ${count}) i
       returning id
     )
     insert into vm_mapping (vm_id, name, internal_port, visibility) select id, '${NAME}', 3000, 'PUBLIC' from made returning vm_id`,
  );
  return (rows as { vm_id: string }[]).map(({ vm_id }) => vm_id);
}

it('RouteCache never evicts a VM that is in use, even if one client visits more VMs than it holds', async () => {
  const { url, table } = await openTable();
  const [streamed = '', used = '', idle = '', ...many] = await insertVms(url, 3 + MANY + 200);
  const targetOf = async (id: string): Promise<Upstream> => {
    const resolution = await table.resolve(id, NAME, '/', new Map());
    if (resolution.kind !== 'upstream') throw new Error(`${id} leads nowhere: ${resolution.kind}`);
    return resolution.target;
  };
  const [streaming, busy, left] = [await targetOf(streamed), await targetOf(used), await targetOf(idle)];
  streaming.load.open += 1;
  const visit = async (ids: readonly string[]) => {
    for (let at = 0; at < ids.length; at += 100) {
      await Promise.all([...ids.slice(at, at + 100), used].map(targetOf));
    }
  };
  await visit(many.slice(0, MANY));
  expect([streaming, busy, left].map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
  // Without an open request, it is evicted like the others.
  streaming.load.open -= 1;
  await visit(many.slice(MANY));
  await eventually(() => streaming.signal.aborted);
  expect(busy.signal.aborted).toBe(false);
}, 120_000);

it('RouteCache caches missing VMs briefly, so a flood of unknown addresses causes few statements', async () => {
  const { table, queries } = await openTable();
  const [missing, other] = [randomUUID(), randomUUID()];
  const reads = () => queries.filter((text) => text.includes('from "vm"')).length;
  for (let count = 0; count < 100; count += 1)
    expect(await table.resolve(missing, NAME, '/', new Map())).toEqual({ kind: 'not-found' });
  expect(reads()).toBe(1);
  await table.resolve(other, NAME, '/', new Map());
  expect(reads()).toBe(2);
  // The miss expires.
  await eventually(async () => {
    await table.resolve(missing, NAME, '/', new Map());
    return reads() > 2;
  });
});

describe('RouteCache, of two reads of a VM of which the later one has its result first, believes the later one', () => {
  async function readTwice(change: 'delete' | 'create') {
    const { url, table, listener, results } = await openTable();
    const [vmId = ''] = change === 'delete' ? await insertVms(url, 1) : [randomUUID()];
    const holding = results.next();
    const first = table.resolve(vmId, NAME, '/', new Map());
    const letGo = await holding;
    if (change === 'delete') await executeSql(url, `delete from vm where id = '${vmId}'`);
    else await insertVms(url, 1, vmId);
    const notified = new Promise((resolve) => listener.on('vm_event', resolve));
    await executeSql(url, `select pg_notify('vm_event', '["alice","${vmId}"]')`);
    await notified;
    return {
      second: (await table.resolve(vmId, NAME, '/', new Map())).kind,
      first: await (letGo(), first),
      third: await table.resolve(vmId, NAME, '/', new Map()),
    };
  }

  it('that finds none', async () => {
    const { first, second, third } = await readTwice('delete');
    expect([first.kind, second, third.kind]).toEqual(['not-found', 'not-found', 'not-found']);
  });

  it('that finds one', async () => {
    const { first, second, third } = await readTwice('create');
    expect([first.kind, second, third.kind]).toEqual(['upstream', 'upstream', 'upstream']);
  });
});

it('RouteCache does not remember a miss that a notification has overtaken', async () => {
  const { url, table, listener, results } = await openTable();
  const vmId = randomUUID();
  const holding = results.next();
  const first = table.resolve(vmId, NAME, '/', new Map());
  const letGo = await holding;
  await insertVms(url, 1, vmId);
  const notified = new Promise((resolve) => listener.on('vm_event', resolve));
  await executeSql(url, `select pg_notify('vm_event', '["alice","${vmId}"]')`);
  await notified;
  letGo();
  expect(await first).toEqual({ kind: 'not-found' });
  expect(await table.resolve(vmId, NAME, '/', new Map())).toMatchObject({ kind: 'upstream' });
});

it('RouteCache knows only what is visited: another address costs a read that a stranger must pay for', async () => {
  const { url, table } = await openTable();
  const [used = '', left = ''] = await insertVms(url, 2);
  const isKnown = (vmId: string) => table.isKnown({ vmId, name: NAME }, new Map());
  expect(isKnown(used)).toBe(false);
  const visits = await Promise.all([used, left].map(async (vmId) => table.resolve(vmId, NAME, '/', new Map())));
  const [streaming] = visits.map((visit) => (visit.kind === 'upstream' ? visit.target : undefined));
  expect([used, left].map(isKnown)).toEqual([true, true]);
  if (streaming !== undefined) streaming.load.open += 1;
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 10_001);
  onTestFinished(() => void vi.restoreAllMocks());
  expect([used, left].map(isKnown)).toEqual([true, false]);
});

describe('a flood of made-up addresses', () => {
  const flood = (table: RouteCache, count: number) =>
    Promise.all(Array.from({ length: count }, async () => table.resolve(randomUUID(), NAME, '/', new Map())));

  it('is looked up a hundred at a time', async () => {
    const { table, queries } = await openTable();
    const found = await flood(table, 1_000);
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(['not-found']));
    expect(queries.filter((text) => text.includes('from "vm"')).length).toBeLessThan(15);
  });

  it('leaves connections to the API, however slowly it is answered', async () => {
    const { table, url, db } = await openTable();
    const locker = new pg.Client(url);
    await locker.connect();
    onTestFinished(() => locker.end());
    await locker.query('begin; lock table vm in access exclusive mode');
    const flooded = flood(table, 200);
    const isWaiting = async () =>
      (
        await executeSql(
          url,
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
      ).rows.length === 2;
    await eventually(isWaiting);
    const begun = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => sql`select pg_sleep(0.1)`.execute(db)));
    expect(performance.now() - begun).toBeLessThan(2_000);
    await locker.query('rollback');
    expect(await flooded).toHaveLength(200);
  });
});
