import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- A page of what happened to one VM, newest first.
    create index audit_of_vm on audit (vm_id, number);
  `.execute(db);
}
