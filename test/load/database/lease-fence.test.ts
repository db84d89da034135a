import { once } from 'node:events';
import { expect, it } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import { createLog } from '../../../src/log.ts';
import { ReconcileLoop } from '../../../src/reconciler/reconcile-loop.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openTestSecretBox } from '../../support/database/secret-box.ts';
import { FORWARD } from '../../support/vm/vms.ts';

it('an iteration whose heartbeats get no answer ends its engine call before the lease expires', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  const proxy = undo.use(await openDatabaseProxy(url));
  const db = createDatabase(proxy.url);
  undo.defer(() => db.destroy());
  const listener = await Listener.open({ url: proxy.url });
  undo.defer(() => listener.close());

  await executeSql(url, "insert into account (user_id, plan) values ('alice', 'core')");
  await executeSql(
    url,
    `insert into vm (user_id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent, next_attempt_at)
     values ('alice', 'a VM', 'AU', 'ubuntu', 'xfce', 1, 1, false, now())`,
  );
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
  const loop = new ReconcileLoop({
    db,
    listener,
    catalog: await loadCatalog({ regions: ['AU'], defaultPlan: 'core' }),
    secretBox: await openTestSecretBox(db),
    forward: FORWARD,
    log: await createLog({ level: 'silent' }),
    driverOf: () => driver,
    policyOf: () => ({ egress: 'internet' }),
    owner: 'this gateway',
    regions: () => ['AU'],
    isAway: () => false,
    hasRoom: async () => true,
  });
  undo.defer(() => loop.close());

  const signal = await begun;
  const first = (await lease()).until.getTime();
  await eventually(async () => (await lease()).until.getTime() > first);
  expect(signal.aborted).toBe(false);
  proxy.set('blackhole');
  if (!signal.aborted) await once(signal, 'abort', { signal: AbortSignal.timeout(15_000) });
  expect(await lease()).toMatchObject({ held: true });
  proxy.set('pass');
}, 60_000);
