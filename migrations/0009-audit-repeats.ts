import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- The minute within which equal actions are one row that counts them. Null in rows of earlier versions, which use
    -- the column minute, for two of the actions.
    alter table audit add column repeats_in timestamptz;
    -- A link's holder has no actor: its null is equal to another.
    create unique index audit_repeats on audit (vm_id, action, actor, address, details, repeats_in)
      nulls not distinct where repeats_in is not null;
  `.execute(db);
}
