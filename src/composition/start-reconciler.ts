import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { createDatabase, LONG_ANSWER_MS } from '../db/database.ts';
import type { Listener } from '../db/listen.ts';
import type { LiveRegions } from './live-regions.ts';
import type { OutageLog } from '../lib/outage-log.ts';
import type { Log } from '../log.ts';
import type { MachinePolicy } from '../reconciler/plan/machine-spec.ts';
import { ReconcileLoop } from '../reconciler/reconcile-loop.ts';
import { runHousekeeping } from '../reconciler/watch/housekeeping.ts';
import type { RegionWatches } from '../reconciler/watch/region-watches.ts';
import type { VmDependencies } from '../vm/commands/vm-command.ts';

interface ReconcilerOptions extends Pick<VmDependencies, 'db' | 'catalog' | 'secretBox' | 'forward'> {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly listener: Listener;
  readonly regions: RegionWatches;
  readonly settings: LiveRegions;
  readonly outage: OutageLog;
  /** Aborts when the database is no longer worth waiting for. */
  readonly ending: AbortSignal;
  readonly log: Log;
}

export interface Reconciler {
  readonly loop: ReconcileLoop;
  /** Ends the loop and housekeeping; `ending` must have aborted. */
  close(): Promise<void>;
}

/**
 * Starts what only a process with the role `reconciler` runs: the loop, the watches on disks and on what VMs use, and
 * housekeeping.
 */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { config, databaseUrl, regions, settings, outage, ending, log } = options;
  regions.watchStorage(config.diskWatermark);
  regions.watchStats();
  const loop = new ReconcileLoop({
    ...options,
    driverOf: (region) => regions.getDriver(region),
    policyOf: (region) => policyOf(config, settings.runtimes.get(region)),
    owner: `${hostname()}-${process.pid}-${randomUUID()}`,
    regions: () => settings.codes,
    isAway: (region) => !regions.isAnswering(region),
    hasRoom: (region) => regions.hasRoom(region),
  });
  // A pool of its own: deleting old rows of whole tables takes longer than the main pool allows.
  const db = createDatabase(databaseUrl, { max: 1, answerMs: LONG_ANSWER_MS, outage, ending });
  const housekeeping = runHousekeeping({ db, auditDays: config.auditDays, log }, ending);
  return {
    loop,
    async close() {
      await housekeeping;
      await db.destroy();
      await loop.close();
    },
  };
}

function policyOf({ egress }: Config, runtime: string | undefined): MachinePolicy {
  return { egress, ...(runtime !== undefined && { runtime }) };
}
