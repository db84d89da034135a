import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RouteCache } from '../../../src/ingress/routing/route-cache.ts';
import type { Upstream } from '../../../src/ingress/routing/resolution.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { eventually } from '../../support/eventually.ts';
import { insertVms, NAME, openRouteCache } from '../../support/ingress/open-route-cache.ts';

const MANY = 10_001;

it('RouteCache never evicts a VM that is in use, even if one client visits more VMs than it holds', async () => {
  const { url, table } = await openRouteCache();
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

describe('a flood of made-up addresses', () => {
  const flood = (table: RouteCache, count: number) =>
    Promise.all(Array.from({ length: count }, async () => table.resolve(randomUUID(), NAME, '/', new Map())));

  it('is looked up a hundred at a time', async () => {
    const { table, queries } = await openRouteCache();
    const found = await flood(table, 1_000);
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(['not-found']));
    expect(queries.filter((text) => text.includes('from "vm"')).length).toBeLessThan(15);
  });

  it('leaves connections to the API, however slowly it is answered', async () => {
    const { table, url, db } = await openRouteCache();
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
