import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- The deleted VMs whose events are pruned. Kept permanently: an engine that returns after a year may still hold a
    -- container or volume of one, and nothing is removed from an engine without this evidence.
    create table deleted_vm (
      vm_id uuid primary key,
      deleted_at timestamptz not null
    );
  `.execute(db);
}
