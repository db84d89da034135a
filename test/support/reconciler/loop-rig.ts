import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import { createLog } from '../../../src/log.ts';
import { ReconcileLoop } from '../../../src/reconciler/reconcile-loop.ts';
import { createTestDatabase } from '../database/database.ts';
import { executeSql } from '../database/execute-sql.ts';
import { openTestSecretBox } from '../database/secret-box.ts';
import { MemoryEngine } from '../engine/memory-engine.ts';
import { FORWARD } from '../vm/vms.ts';

interface Row {
  readonly id: string;
  readonly status: string;
  readonly watcher: string | null;
  readonly lease_owner: string | null;
  /** Seconds until it is due without an event. */
  readonly next: number | null;
}

/** Of a gateway's loop. */
interface LoopOptions {
  readonly onQuery?: (sql: string) => void;
  /** Another way to the database. */
  readonly databaseUrl?: string;
  /** In place of the engine's. */
  readonly driver?: EngineDriver;
}

/** A database with VMs that are to start, and an engine for them. */
export async function openLoopRig(undo: AsyncDisposableStack, vms: number) {
  const { url } = undo.use(await createTestDatabase());
  const engine = undo.use(await MemoryEngine.open());
  await executeSql(url, "insert into account (user_id, plan) values ('alice', 'core')");
  await executeSql(
    url,
    `insert into vm (user_id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent, enabled, status, next_attempt_at)
     select 'alice', 'vm ' || n, 'AU', 'ubuntu', 'xfce', 1, 1, false, true, 'QUEUED', now() from generate_series(1, ${vms}) n`,
  );
  const readRows = async () =>
    (
      await executeSql(
        url,
        `select id, status, watcher, lease_owner, extract(epoch from next_attempt_at - now())::float8 as next
         from vm order by number`,
      )
    ).rows as readonly Row[];
  const start = async (owner: string, options: LoopOptions = {}) => {
    const { onQuery = () => undefined, databaseUrl = url, driver = engine.driver } = options;
    const db = createDatabase(databaseUrl, { onQuery });
    undo.defer(() => db.destroy());
    const listener = await Listener.open({ url: databaseUrl });
    undo.defer(() => listener.close());
    const loop = new ReconcileLoop({
      db,
      listener,
      catalog: await loadCatalog({ regions: ['AU'], defaultPlan: 'core' }),
      secretBox: await openTestSecretBox(db),
      forward: FORWARD,
      log: await createLog({ level: 'silent' }),
      driverOf: () => driver,
      policyOf: () => ({ egress: 'internet' }),
      owner,
      regions: () => ['AU'],
      isAway: () => false,
      hasRoom: async () => true,
      checkEveryMs: 20,
    });
    undo.defer(() => loop.close());
    return loop;
  };
  return { url, engine, readRows, start };
}
