import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- The image that the VM keeps; all null while it has none. Of VMs that run, the next look at their container fills it in.
    alter table vm
      add column image_reference text,
      add column image_id text,
      add column image_digest text,
      -- The catalog's reference, of a stand-in.
      add column image_stand_in_for text,
      -- Another than the VM's, or null: the present image is taken next.
      add column image_incarnation bigint,
      add column image_since timestamptz;
  `.execute(db);
}
