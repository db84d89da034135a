import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- The node of a cluster that the address is on: each node has the same addresses. Null on a single engine.
    alter table vm add column node text;
  `.execute(db);
}
