import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { isUuid } from '../lib/is-uuid.ts';

/** Of these ids, those of VMs that were deleted: by their DELETED events, and by what is kept of the ones that are forgotten. */
export async function findDeletedVms(db: Db, ids: readonly string[]): Promise<ReadonlySet<string>> {
  // They are read from labels, which may hold anything.
  const uuids = ids.filter(isUuid);
  if (uuids.length === 0) return new Set();
  const { rows } = await sql<{ vm_id: string }>`
    select vm_id from vm_event where kind = 'DELETED' and vm_id = any(${uuids}::uuid[])
    union
    select vm_id from deleted_vm where vm_id = any(${uuids}::uuid[])
  `.execute(db);
  return new Set(rows.map(({ vm_id }) => vm_id));
}
