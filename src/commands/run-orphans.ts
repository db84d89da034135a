import { loadCatalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import { readInstallation } from '../secrets/installation.ts';
import { openDatabase } from '../db/startup/open-database.ts';
import { engineOptions } from '../engine/engine-options.ts';
import { openEngines } from '../engine/open-engines.ts';
import { readKeys } from '../secrets/keys.ts';
import type { Log } from '../log.ts';
import { adoptOrphan, listOrphans, removeOrphan, type Orphan } from '../reconciler/orphans/orphan-commands.ts';
import type { VmOrder } from '../vm/commands/order-labels.ts';
import { SecretBox } from '../secrets/secret-box.ts';

export type OrphansCommand =
  | { readonly action: 'list' }
  | { readonly action: 'adopt'; readonly id: string; readonly given: Partial<VmOrder> }
  | { readonly action: 'remove'; readonly id: string };

interface OrphansOptions {
  readonly config: Config;
  readonly log: Log;
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** A line for a person. */
  readonly note: (line: string) => void;
}

/** `swiftor orphans`, beside the gateways or without them. */
export async function runOrphans(
  command: OrphansCommand,
  { config, log, print, note }: OrphansOptions,
  signal: AbortSignal,
): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const catalog = await loadCatalog({ ...config, regions: [...config.regions.regions.keys()] });
  const { db } = parts.use(await openDatabase(config, log, signal));
  const { keyRing } = await readKeys(config);
  const { id: installationId, keys } = await readInstallation(db, keyRing);
  const engines = openEngines(config.regions.regions, { ...engineOptions(config), installationId, log });
  parts.defer(() => engines.close());
  const deps = {
    db,
    catalog,
    secretBox: new SecretBox(keyRing, keys),
    forward: { ...config.forward, hostOf: (region: string) => config.regions.hosts.get(region) ?? config.baseDomain },
  };

  const { orphans, failure } = await listOrphans(engines.endpoints, db, signal);
  if (command.action === 'list') {
    for (const orphan of orphans) print(describe(orphan));
    if (failure !== undefined) throw failure;
    if (orphans.length === 0) note('Every container and volume of this installation has its VM in the database.');
    return;
  }
  const own = orphans.filter(({ id }) => id === command.id);
  const [first] = own;
  // What has it may be the engine that did not answer.
  if (first === undefined)
    throw failure ?? new Error('No engine has anything of that id without a row; see `swiftor orphans list`.');
  if (command.action === 'adopt') {
    const { userId, vmlabel } = await adoptOrphan(deps, first, command.given, signal);
    print(
      `${first.id} is a VM of ${userId} again, "${vmlabel}", and off. Its password is a new one, which its ` +
        'owner can read.',
    );
    return;
  }
  for (const orphan of own) await removeOrphan(orphan, signal);
  print(`${first.id} is removed.`);
}

function describe({ id, regions, state, volumes, order, isDeleted }: Orphan): string {
  const has = [...(state === undefined ? [] : [`container ${state}`]), ...volumes.map(({ name }) => `volume ${name}`)];
  const { userId: user, ramGb: ram, ...others } = order;
  // By the names of the options that correct it.
  const options = Object.entries({ user, ...others, ram }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${JSON.stringify(value)}`],
  );
  return [
    id,
    regions.join(','),
    isDeleted ? 'deleted, is being removed' : 'unknown',
    has.join(', '),
    options.join(' '),
  ].join('  ');
}
