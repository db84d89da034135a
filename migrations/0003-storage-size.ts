import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vm
      -- GB of each volume that outlives a stop; null in rows of before, until their next start.
      add column storage_gb integer check (storage_gb > 0),
      -- HARD or MEASURED; null while there is no such volume.
      add column storage_enforcement text,
      -- What the container of the moment holds besides those volumes.
      add column scratch_bytes bigint not null default 0;
    update vm set storage_enforcement = 'MEASURED' where persistent and storage_ready;
  `.execute(db);
}
