import type { KyselyPlugin, PluginTransformQueryArgs, PluginTransformResultArgs } from 'kysely';
import { onTestFinished } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import { RouteCache } from '../../../src/ingress/routing/route-cache.ts';
import { Tickets } from '../../../src/ingress/access/tickets.ts';
import { createTestDatabase } from '../database/database.ts';
import { executeSql } from '../database/execute-sql.ts';
import { openTestSecretBox } from '../database/secret-box.ts';
import { FORWARD } from '../vm/vms.ts';

/** The public address of each VM that `insertVms` makes. */
export const NAME = 'web';

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

/** A RouteCache over a database of its own, with the statements that it asks; closed when the test has finished. */
export async function openRouteCache() {
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

/** Adds VMs of alice that run and have one public address. Resolves to their ids. */
export async function insertVms(url: string, count: number, id?: string): Promise<string[]> {
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
