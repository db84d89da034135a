import type { Db } from '../../db/database.ts';
import type { Engine } from '../../engine/open-engines.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { Inventory } from '../../engine/engine-reports.ts';
import { LABEL } from '../../engine/labels.ts';
import { findDeletedVms } from '../../events/deleted-vms.ts';
import { isUuid } from '../../lib/is-uuid.ts';
import { adoptVm } from '../../vm/commands/adopt-vm.ts';
import { fromOrderLabels, type VmOrder } from '../../vm/commands/order-labels.ts';
import type { VmDependencies } from '../../vm/commands/vm-command.ts';
import { findOrphans } from './judge-orphans.ts';

/** A VM that exists on an engine and has no row. */
export interface Orphan {
  readonly id: string;
  readonly regions: readonly string[];
  readonly driver: EngineDriver;
  /** State of its container; undefined without one. */
  readonly state: string | undefined;
  readonly volumes: Inventory['volumes'];
  /** The part of the order that its labels hold. */
  readonly order: Partial<VmOrder>;
  /** The VM was deleted: OrphanWatch removes it. */
  readonly isDeleted: boolean;
}

export interface FoundOrphans {
  readonly orphans: readonly Orphan[];
  /** Set when an engine could not be listed. */
  readonly failure: Error | undefined;
}

const LIST_DEADLINE_MS = 15_000;
const ACT_DEADLINE_MS = 120_000;

/** Lists the orphans of all engines, ordered by engine and id. */
export async function listOrphans(engines: readonly Engine[], db: Db, signal: AbortSignal): Promise<FoundOrphans> {
  const asked = await Promise.allSettled(
    engines.map(async (engine) => {
      const list = await engine.driver.list(within(signal, LIST_DEADLINE_MS));
      // Read after the list: a container is never older than its row.
      const rows = await db.selectFrom('vm').select('id').execute();
      const ids = findOrphans(list, new Set(rows.map(({ id }) => id))).toSorted();
      const deleted = await findDeletedVms(db, ids);
      return ids.map((id) => toOrphan(id, engine, list, deleted.has(id)));
    }),
  );
  const orphans = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const silent = engines
    .filter((_engine, index) => asked[index]?.status === 'rejected')
    .flatMap(({ regions }) => regions);
  if (silent.length === 0) return { orphans, failure: undefined };
  const cause: unknown = asked.find((each) => each.status === 'rejected')?.reason;
  return {
    orphans,
    failure: new Error(`Not every engine could be asked: what ${silent.join(', ')} has is not known.`, { cause }),
  };
}

function toOrphan(id: string, { driver, regions }: Engine, list: Inventory, isDeleted: boolean): Orphan {
  const machine = list.machines.find((each) => each.id === id);
  const volumes = list.volumes.filter((each) => each.id === id);
  // A container is never older than its volumes, so its labels win.
  const labels = Object.assign({}, ...volumes.map((volume) => volume.labels), machine?.labels) as Record<
    string,
    string
  >;
  return { id, regions, driver, state: machine?.state, volumes, order: fromOrderLabels(labels), isDeleted };
}

/**
 * Recreates the row of an orphan, off, with its volumes. `given` overrides its labels. Rejects with what is missing.
 */
export async function adoptOrphan(
  deps: VmDependencies,
  orphan: Orphan,
  given: Partial<VmOrder>,
  signal: AbortSignal,
): Promise<VmOrder> {
  const { id, regions, driver, volumes, isDeleted } = orphan;
  if (isDeleted) throw new Error(`The VM ${id} was deleted: what is left of it is being removed.`);
  if (!isUuid(id)) throw new Error(`"${id}" is not the id of a VM: it can only be removed.`);
  const [onlyRegion, ...others] = regions;
  const order = { vmlabel: `Adopted ${id.slice(0, 8)}`, desktop: null, ...orphan.order, ...given };
  const {
    vmlabel,
    desktop,
    userId,
    region = others.length === 0 ? onlyRegion : undefined,
    distribution,
    cpu,
    ramGb,
  } = order;
  if (
    userId === undefined ||
    region === undefined ||
    distribution === undefined ||
    cpu === undefined ||
    ramGb === undefined
  ) {
    const needed = { user: userId, region, distribution, cpu, ram: ramGb };
    const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [`--${name}`] : []));
    throw new Error(
      `The labels of ${id} are incomplete; add ${missing.join(', ')}${desktop === null ? ' (and --desktop)' : ''}.`,
    );
  }
  if (!regions.includes(region))
    throw new Error(`The VM ${id} is on the engine of ${regions.join(', ')}, not of ${region}.`);
  const lasting = volumes.filter(({ labels }) => labels[LABEL.lifetime] === 'until-delete');
  const persistent = lasting.some(({ name }) => name === 'primary');
  const adopted = { userId, vmlabel, region, distribution, desktop, cpu, ramGb };
  await adoptVm(deps, { ...adopted, id, persistent, storageReady: lasting.length > 0 }, () =>
    driver.stop(id, within(signal, ACT_DEADLINE_MS)),
  );
  return adopted;
}

/** Removes the containers and all volumes of an orphan. */
export async function removeOrphan({ id, driver }: Orphan, signal: AbortSignal): Promise<void> {
  await driver.remove(id, ['until-stop', 'until-delete'], within(signal, ACT_DEADLINE_MS));
}

function within(signal: AbortSignal, milliseconds: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
}
