import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vm
      -- The steps of the last boot, see src/vm/vm-boot.ts. Null in existing rows until the next start.
      add column boot jsonb;
  `.execute(db);
}
