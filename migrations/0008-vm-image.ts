import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- The image of the VM, or null. For running VMs, the next observation of the container fills it in.
    alter table vm
      add column image_reference text,
      add column image_id text,
      add column image_digest text,
      -- The catalog reference that a stand-in replaces.
      add column image_stand_in_for text,
      -- If it is null or not the incarnation of the VM, the next start takes the current image.
      add column image_incarnation bigint,
      add column image_since timestamptz;
  `.execute(db);
}
