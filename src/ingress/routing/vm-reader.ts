import type { Db } from '../../db/database.ts';
import { BatchedCalls } from '../../lib/concurrency/batched-calls.ts';
import { findVmsOfAnyone, type VisitedVm } from '../../vm/store/vm-store.ts';

/** A row as a statement found it. */
export interface VmRead {
  /** Undefined if there is no such VM. */
  readonly vm: VisitedVm | undefined;
  /** When the statement was sent, whose result may miss what commits while it runs: a time of performance.now(). */
  readonly startedAt: number;
  /** Grows with each statement. */
  readonly order: number;
}

/**
 * Statements at a time, which take a connection each: made-up addresses cannot take those that the API needs. One more
 * than one, so a lost connection does not stop all lookups until its deadline.
 */
const LIMITS = { atOnce: 2, keys: 100 } as const;

/** Reads rows of VMs by their ids, those that are asked for meanwhile in one statement. */
export function createVmReader(db: Db): BatchedCalls<string, VmRead> {
  let statements = 0;
  return new BatchedCalls(async (vmIds) => {
    const order = (statements += 1);
    const startedAt = performance.now();
    const vms = await findVmsOfAnyone(db, [...new Set(vmIds)]);
    return (vmId) => ({ vm: vms.get(vmId), startedAt, order });
  }, LIMITS);
}
