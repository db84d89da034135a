import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { eventually } from '../../support/eventually.ts';
import { openLoopRig } from '../../support/reconciler/loop-rig.ts';

it('an iteration whose heartbeats get no answer ends its engine call before the lease expires', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, start } = await openLoopRig(undo, 1);
  const proxy = undo.use(await openDatabaseProxy(url));
  const lease = async () =>
    (await executeSql(url, 'select lease_until > now() as held, lease_until as until from vm')).rows[0] as {
      held: boolean;
      until: Date;
    };

  // An engine that takes its time with each call, for as long as it is let.
  const { promise: begun, resolve: begin } = Promise.withResolvers<AbortSignal>();
  const driver = {
    async observe(_id: string, signal: AbortSignal) {
      begin(signal);
      await once(signal, 'abort');
      signal.throwIfAborted();
      return undefined;
    },
  } as Partial<EngineDriver> as EngineDriver;
  await start('this gateway', { databaseUrl: proxy.url, driver });

  const signal = await begun;
  const first = (await lease()).until.getTime();
  await eventually(async () => (await lease()).until.getTime() > first);
  expect(signal.aborted).toBe(false);
  proxy.set('blackhole');
  if (!signal.aborted) await once(signal, 'abort', { signal: AbortSignal.timeout(15_000) });
  expect(await lease()).toMatchObject({ held: true });
  proxy.set('pass');
}, 60_000);
