import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { Db } from '../../db/database.ts';
import { BatchedCalls } from '../../lib/concurrency/batched-calls.ts';
import { readEncryptedSecrets, type EncryptedSecret } from '../../secrets/secret-store.ts';
import type { VmAfter } from '../../vm/store/vm-change.ts';
import { findDatedVms, type DatedVm } from '../../vm/store/vm-store.ts';
import { releaseLeases, type Release, type Released } from './release-leases.ts';
import { sendNotes, type ProgressMessage } from './send-notes.ts';
import { heartbeat, type LeaseState } from './vm-lease.ts';
import { writeVms, type VmWrite } from './write-vms.ts';

/** What an iteration decides by. */
export interface Situation {
  readonly state: LeaseState;
  readonly vm: DatedVm;
  /** When the row was asked for, by performance.now(). */
  readonly requestedAt: number;
  readonly secrets: readonly EncryptedSecret[];
}

/**
 * The statements of a reconciliation that are alike for all VMs. Those that run at the same time share them: a takeover
 * of thousands of VMs is bound by the number of commits otherwise.
 */
export interface SharedStatements {
  /** Extends the lease; undefined if it is lost. */
  readonly heartbeats: BatchedCalls<string, LeaseState | undefined>;
  /** Extends the lease and reads the VM; undefined if it is gone or the lease is lost. */
  readonly reads: BatchedCalls<string, Situation | undefined>;
  /** Resolves to the VM as it is then; undefined if the fence no longer holds. */
  readonly writes: BatchedCalls<VmWrite, VmAfter | undefined>;
  readonly notes: BatchedCalls<ProgressMessage, void>;
  /** Releases the lease; undefined if it is lost. */
  readonly releases: BatchedCalls<Release, Released | undefined>;
}

/** Two batches at a time: a lost connection does not stop all until its deadline. */
const LIMITS = { atOnce: 2, keys: 200 } as const;

export function shareStatements(db: Db, owner: string): SharedStatements {
  return {
    heartbeats: new BatchedCalls(async (vmIds) => {
      const states = byVm(await heartbeat(db, owner, vmIds));
      return (vmId) => states.get(vmId);
    }, LIMITS),
    reads: new BatchedCalls(async (vmIds) => {
      // Before the rows: a change between the two is seen as a change, never missed.
      const states = byVm(await heartbeat(db, owner, vmIds));
      const requestedAt = performance.now();
      const held = [...states.keys()];
      const [vms, secrets] = await Promise.all([findDatedVms(db, held), readEncryptedSecrets(db, held)]);
      return (vmId) => {
        const [state, vm] = [states.get(vmId), vms.get(vmId)];
        return state && vm && { state, vm, requestedAt, secrets: secrets.get(vmId) ?? [] };
      };
    }, LIMITS),
    writes: new BatchedCalls(async (writes) => {
      try {
        const written = await writeVms(db, writes);
        return (write) => written.get(write);
      } catch (error) {
        if (writes.length === 1 || isDatabaseUnavailable(error)) throw error;
        return writeOneByOne(db, writes);
      }
    }, LIMITS),
    notes: new BatchedCalls<ProgressMessage, void>(async (notes) => {
      await sendNotes(db, notes);
      return () => undefined;
    }, LIMITS),
    releases: new BatchedCalls(async (releases) => {
      const released = await releaseLeases(db, owner, releases);
      return ({ seen }) => released.get(seen.vmId);
    }, LIMITS),
  };
}

/** What is wrong with one write is nothing to the others. One after the other: each takes a connection. */
async function writeOneByOne(db: Db, writes: readonly VmWrite[]) {
  const outcomes = new Map<VmWrite, VmAfter | undefined>();
  const refused = new Map<VmWrite, unknown>();
  for (const write of writes) {
    try {
      outcomes.set(write, (await writeVms(db, [write])).get(write));
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      refused.set(write, error);
    }
  }
  return (write: VmWrite) => (refused.has(write) ? Promise.reject(refused.get(write)) : outcomes.get(write));
}

function byVm(states: readonly LeaseState[]): ReadonlyMap<string, LeaseState> {
  return new Map(states.map((state) => [state.vmId, state]));
}
