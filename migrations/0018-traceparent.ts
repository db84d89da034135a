import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- The request that changed the desired state, as a traceparent of W3C Trace Context, until that state is reached.
    alter table vm add column traceparent text;
  `.execute(db);
}
