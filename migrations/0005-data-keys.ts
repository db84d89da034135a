import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Each account's secrets are sealed with a key of its own, which lies here sealed with SECRETS_KEY.
    create table data_key (
      id uuid primary key,
      user_id text not null references account (user_id),
      sealed bytea not null,
      -- The id of the SECRETS_KEY that it is sealed with, and of the one that was in use when it was made.
      sealed_by text not null,
      made_under text not null,
      -- Seals what is written from now on; older ones only open what they sealed.
      in_use boolean not null default true,
      created_at timestamptz not null default now()
    );
    create unique index data_key_in_use on data_key (user_id) where in_use;

    -- Null, and the first byte of the sealed value is 1: sealed with SECRETS_KEY itself, before there were data keys.
    alter table vm_secret add column data_key_id uuid references data_key (id);
    create index vm_secret_by_data_key on vm_secret (data_key_id);

    -- What new data keys are sealed with: all gateways agree on it, and a rotation changes it for all of them at once.
    alter table installation add column active_key text;
    -- Sealed as well; outlives every SECRETS_KEY, and with it what was told apart by a fingerprint.
    alter table installation add column fingerprint_key bytea;
    -- Signs what is handed out; a renewal changes it, and all that was signed ends.
    alter table installation add column signing_key bytea;
  `.execute(db);
}
