import { encodeProgress } from '../../events/append-event.ts';
import type { EventReason, VmProgress } from '../../events/vm-event.ts';
import type { Db, Trx } from '../../db/database.ts';
import { runTransaction } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import { measures } from '../../measures.ts';
import { addSpanEvent } from '../../tracing.ts';
import { changeVm, type Fence, type VmAfter, type VmChange, type VmUpdate } from '../../vm/store/vm-change.ts';
import type { SharedStatements } from './shared-statements.ts';
import type { Lease } from './vm-lease.ts';
import type { VmStatus } from '../../vm/vm-status.ts';
import type { Vm } from '../../vm/vm.ts';

interface WriterOptions {
  readonly db: Db;
  readonly statements: Pick<SharedStatements, 'writes' | 'notes'>;
  readonly lease: Lease;
  readonly log: Log;
}

/** The lease was lost or the desire changed: this iteration's knowledge is stale and it must not write. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/**
 * The writes of one iteration.
 *
 * INVARIANTS
 * - Writes take effect in the order of the calls.
 * - Each write is fenced by lease and generation, and each event also by the status that it follows on.
 * - After one write has failed, every later one rejects with the same error.
 */
export class VmWriter {
  readonly #db: Db;
  readonly #statements: WriterOptions['statements'];
  readonly #log: Log;
  readonly #vm: Vm;
  readonly #fence: Fence;
  #current: Pick<Vm, 'status' | 'boot'>;
  #queue: Promise<void> = Promise.resolve();

  constructor({ db, statements, lease, log }: WriterOptions, vm: Vm) {
    this.#db = db;
    this.#statements = statements;
    this.#log = log;
    this.#vm = vm;
    this.#fence = { leaseOwner: lease.owner, generation: vm.generation };
    this.#current = vm;
  }

  /** Writes a new status with its event. If the VM has that status already, it writes the columns without an event. */
  setStatus(status: VmStatus, reason: EventReason, set?: VmUpdate): Promise<void> {
    return this.#enqueue(async () => {
      if (status !== this.#current.status) return this.#change({ status, reason, ...(set !== undefined && { set }) });
      if (set !== undefined) await this.#update(set);
    });
  }

  /** Writes columns with an event though the status stays. `then` runs in the same transaction. */
  announce(reason: EventReason, set: VmUpdate, then?: (trx: Trx) => Promise<unknown>): Promise<void> {
    return this.#enqueue(() => this.#change({ reason, set }, then));
  }

  /** Writes columns that no subscriber sees, without an event. */
  updateSilently(set: VmUpdate): Promise<void> {
    return this.#enqueue(() => this.#update(set));
  }

  /** Deletes the row with its secrets and mappings, and writes the DELETED event. */
  deleteVm(): Promise<void> {
    return this.#enqueue(() =>
      this.#change({ kind: 'DELETED', status: 'DELETED', reason: 'USER' }, (trx) =>
        trx.deleteFrom('vm').where('id', '=', this.#vm.id).execute(),
      ),
    );
  }

  /** Sends progress by notification. It is not stored and errors are ignored: a lost note costs nothing. */
  sendProgress(status: VmStatus, progress: VmProgress): void {
    const { id, userId } = this.#vm;
    const payload = encodeProgress({ u: userId, v: id, s: status, p: progress });
    // Queued behind the status that it belongs to, and sent only while that lasts.
    const note = { vmId: id, fence: this.#fence, status, payload };
    void this.#enqueue(() => this.#statements.notes.call(note).catch(() => undefined)).catch(() => undefined);
  }

  /** Resolves to the VM's status once all queued writes have ended. */
  async settledStatus(): Promise<VmStatus> {
    await this.#queue.catch(() => undefined);
    return this.#current.status;
  }

  #enqueue(write: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(write);
    // The caller handles the failure. The queue itself must not count as an unhandled rejection.
    this.#queue.catch(() => undefined);
    return this.#queue;
  }

  async #change(change: VmChange, then?: (trx: Trx) => Promise<unknown>): Promise<void> {
    const { status: from, boot } = this.#current;
    const vm = { ...this.#vm, status: from, boot };
    this.#current = then === undefined ? await this.#write({ vm, change }) : await this.#writeAlone(vm, change, then);
    this.#timeStep(from, boot);
    addSpanEvent('vm.status', { from, to: this.#current.status, reason: change.reason });
    this.#log.info({ from, to: this.#current.status, reason: change.reason }, 'status');
  }

  async #write(write: { vm: Vm; change: VmChange } | { vm: Vm; silent: VmUpdate }): Promise<VmAfter> {
    const after = await this.#statements.writes.call({ ...write, fence: this.#fence });
    if (after === undefined) throw new LeaseLostError();
    return after;
  }

  #writeAlone(vm: Vm, change: VmChange, then: (trx: Trx) => Promise<unknown>): Promise<VmAfter> {
    return runTransaction(this.#db, async (trx) => {
      const after = await changeVm(trx, vm, change, { fence: this.#fence });
      if (after === undefined) throw new LeaseLostError();
      await then(trx);
      return after;
    });
  }

  /** Counts the time in the step of a boot that this change has ended. */
  #timeStep(status: VmStatus, before: Vm['boot']): void {
    const index = (before?.steps.length ?? 0) - 1;
    const ended = this.#current.boot?.steps[index]?.seconds;
    if (before?.steps[index]?.seconds === null && ended != null && status !== 'RUNNING')
      measures.bootStepSeconds.observe({ status }, ended);
  }

  async #update(silent: VmUpdate): Promise<void> {
    await this.#write({ vm: this.#vm, silent });
  }
}
