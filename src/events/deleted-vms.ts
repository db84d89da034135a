import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { isUuid } from '../lib/is-uuid.ts';

/** Returns those of the ids whose VM was deleted. `deleted_vm` has the ones whose DELETED event was pruned. */
export async function findDeletedVms(db: Db, ids: readonly string[]): Promise<ReadonlySet<string>> {
  // The ids come from labels, which may hold anything.
  const uuids = ids.filter(isUuid);
  if (uuids.length === 0) return new Set();
  const { rows } = await sql<{ vm_id: string }>`
    select vm_id from vm_event where kind = 'DELETED' and vm_id = any(${uuids}::uuid[])
    union
    select vm_id from deleted_vm where vm_id = any(${uuids}::uuid[])
  `.execute(db);
  return new Set(rows.map(({ vm_id }) => vm_id));
}
