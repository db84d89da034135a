import { sql } from 'kysely';
import type { Distribution } from '../../catalog/distribution.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { MachineSpec, Observation } from '../../engine/machine.ts';
import { encodeProgress } from '../../events/append-event.ts';
import type { EventReason, VmProgress } from '../../events/vm-event.ts';
import type { Db, Trx } from '../../db/database.ts';
import type { Log } from '../../log.ts';
import { changeVm, type VmUpdate } from '../../vm/vm-change.ts';
import type { Lease } from './vm-lease.ts';
import type { VmStatus } from '../../vm/vm-status.ts';
import type { Vm } from '../../vm/vm.ts';

/** The lease was lost, or the desire moved: this pass's knowledge is stale, and it must not write. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** One look at one VM: what was read of it, and how to write about it while the lease holds. */
export interface VmPass {
  readonly vm: Vm;
  /** The time by the database's clock, in ms since 1970: that of the VM's row, and of nothing that an engine says. */
  readonly now: () => number;
  readonly distribution: Distribution | undefined;
  /** Undefined when the catalog no longer has what the VM was ordered as. */
  readonly spec: MachineSpec | undefined;
  readonly driver: EngineDriver;
  readonly observed: Observation | undefined;
  /** Aborts when the desire moves, the lease is lost or the gateway ends. */
  readonly signal: AbortSignal;
  /** Aborts, besides, at any hint that something happened to the VM. */
  readonly hinted: AbortSignal;
  readonly log: Log;
  readonly writer: VmWriter;
}

/** Writes of one pass, in order, each fenced by lease, generation and status; rejects with Overtaken once one fails. */
export interface VmWriter {
  /** A new status, with its event. When it is the status already, the columns are written quietly. */
  status(status: VmStatus, reason: EventReason, set?: VmUpdate): Promise<void>;
  /** A change with an event though the status stays; `then` commits with it. */
  announce(reason: EventReason, set: VmUpdate, then?: (trx: Trx) => Promise<unknown>): Promise<void>;
  /** The DELETED event, and the row goes with its secrets and mappings. */
  forget(): Promise<void>;
  /** Columns that nobody reads: no event. */
  quietly(set: VmUpdate): Promise<void>;
  /** Not stored; never waited for. */
  progress(status: VmStatus, progress: VmProgress): void;
  /** The status once all that was begun is written. */
  settled(): Promise<VmStatus>;
}

export function createVmWriter({ db, lease, log }: { db: Db; lease: Lease; log: Log }, vm: Vm): VmWriter {
  const fence = { leaseOwner: lease.owner, generation: vm.generation };
  let current: Pick<Vm, 'status' | 'boot'> = vm;
  let queue: Promise<void> = Promise.resolve();
  const enqueue = (write: () => Promise<void>): Promise<void> => {
    queue = queue.then(write);
    // Who waits for the result hears of a failure; the chain itself must not count as unheard.
    queue.catch(() => undefined);
    return queue;
  };

  const write = async (change: Parameters<typeof changeVm>[2], then?: (trx: Trx) => Promise<unknown>): Promise<void> => {
    const { status: from, boot } = current;
    current = await db.transaction().execute(async (trx) => {
      const changed = await changeVm(trx, { ...vm, status: from, boot }, change, fence);
      if (changed === undefined) throw new Overtaken();
      await then?.(trx);
      return changed;
    });
    log.info({ from, to: current.status, reason: change.reason }, 'status');
  };
  const writeQuietly = async (set: VmUpdate): Promise<void> => {
    const { numUpdatedRows } = await db
      .updateTable('vm')
      .set(set)
      .where('id', '=', vm.id)
      .where('lease_owner', '=', lease.owner)
      .where('generation', '=', vm.generation)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new Overtaken();
  };

  return {
    status: (status, reason, set) =>
      enqueue(async () => {
        if (status !== current.status) return write({ status, reason, ...(set !== undefined && { set }) });
        if (set !== undefined) await writeQuietly(set);
      }),
    announce: (reason, set, then) => enqueue(() => write({ reason, set }, then)),
    quietly: (set) => enqueue(() => writeQuietly(set)),
    forget: () =>
      enqueue(() =>
        write({ kind: 'DELETED', status: 'DELETED', reason: 'USER' }, (trx) => trx.deleteFrom('vm').where('id', '=', vm.id).execute()),
      ),
    progress(status, progress) {
      const note = encodeProgress({ u: vm.userId, v: vm.id, s: status, p: progress });
      // Behind the status that it belongs to, and only while that lasts; a lost one costs nothing.
      const notify = sql`
        select pg_notify('vm_progress', ${note}) from vm
        where id = ${vm.id} and lease_owner = ${lease.owner} and generation = ${vm.generation} and status = ${status}
      `;
      void enqueue(() => notify.execute(db).then(() => undefined)).catch(() => undefined);
    },
    async settled() {
      await queue.catch(() => undefined);
      return current.status;
    },
  };
}
