import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { executeSql } from '../../support/database/execute-sql.ts';
import { eventually } from '../../support/eventually.ts';
import { insertVms, NAME, openRouteCache } from '../../support/ingress/open-route-cache.ts';

it('RouteCache caches missing VMs briefly, so a flood of unknown addresses causes few statements', async () => {
  const { table, queries } = await openRouteCache();
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
    const { url, table, listener, results } = await openRouteCache();
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
  const { url, table, listener, results } = await openRouteCache();
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
  const { url, table } = await openRouteCache();
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
