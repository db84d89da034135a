import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vm add column answered_hash text, add column undone_hash text;
  `.execute(db);
}
