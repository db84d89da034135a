import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Which VMs were deleted, once their events are forgotten. Kept for good: an engine that comes back after a year may
    -- still hold a container or a volume of one, and nothing is removed there without this evidence.
    create table deleted_vm (
      vm_id uuid primary key,
      deleted_at timestamptz not null
    );
  `.execute(db);
}
