import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- A revoked token has no row.
    create table api_token (
      id uuid primary key default gen_random_uuid(),
      user_id text not null references account (user_id),
      -- Null: the user's own.
      service_account text,
      name text not null,
      scope text not null,
      hash bytea not null unique,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      last_used_at timestamptz
    );
    create index api_token_of_account on api_token (user_id, created_at);
    -- The token by which a link was made: its revocation ends the access, too.
    alter table vm_access add column api_token_id uuid;
    create index vm_access_of_api_token on vm_access (api_token_id) where api_token_id is not null;
  `.execute(db);
}
