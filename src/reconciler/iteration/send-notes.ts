import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import type { Fence } from '../../vm/store/vm-change.ts';
import type { VmStatus } from '../../vm/vm-status.ts';

/** What is told of a VM's progress. It is not stored. */
export interface ProgressMessage {
  readonly vmId: string;
  readonly fence: Fence;
  /** Sent only while the VM has this status. */
  readonly status: VmStatus;
  readonly payload: string;
}

/** Sends notifications in one statement: each would be a commit that waits for the disk. */
export async function sendNotes(db: Db, notes: readonly ProgressMessage[]): Promise<void> {
  await sql`
    select pg_notify('vm_progress', note.payload) from unnest(
      ${notes.map(({ vmId }) => vmId)}::uuid[], ${notes.map(({ fence }) => fence.leaseOwner)}::text[],
      ${notes.map(({ fence }) => fence.generation)}::bigint[], ${notes.map(({ status }) => status)}::text[],
      ${notes.map(({ payload }) => payload)}::text[]
    ) as note (id, owner, generation, status, payload) join vm on vm.id = note.id
    where vm.lease_owner = note.owner and vm.generation = note.generation and vm.status = note.status
  `.execute(db);
}
