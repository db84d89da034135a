import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Hashes of the cookies that the browser had for this address when it came with the link: what runs by those goes on
    -- by this access. A gateway of the previous version cuts it.
    alter table vm_access add column replaced bytea[] not null default '{}';
  `.execute(db);
}
