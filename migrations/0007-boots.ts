import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vm
      -- The steps of the last boot, see src/vm/vm-boot.ts; null in rows from before, until their next start.
      add column boot jsonb;
  `.execute(db);
}
