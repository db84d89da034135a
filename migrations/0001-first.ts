import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table installation (
      id uuid primary key default gen_random_uuid(),
      key_check bytea
    );
    -- Exactly one row: which containers are ours hangs on its id.
    create unique index installation_single on installation ((true));
    insert into installation default values;

    create table account (
      user_id text primary key,
      plan text not null,
      event_seq bigint not null default 0,
      created_at timestamptz not null default now()
    );

    create table vm (
      id uuid primary key default gen_random_uuid(),
      number bigint generated always as identity unique,
      user_id text not null references account (user_id),
      vmlabel text not null,
      region text not null,
      distribution text not null,
      desktop text,
      cpu integer not null check (cpu > 0),
      ram_gb integer not null check (ram_gb > 0),
      persistent boolean not null,
      enabled boolean not null default false,
      deleting boolean not null default false,
      generation bigint not null default 1,
      observed_generation bigint not null default 0,
      incarnation bigint not null default 0,
      status text not null default 'STOPPED',
      status_since timestamptz not null default now(),
      observed_at timestamptz,
      started_at timestamptz,
      last_failure jsonb,
      attempts integer not null default 0,
      engine_ref text,
      address text,
      storage_ready boolean not null default false,
      storage_bytes bigint not null default 0,
      last_event_seq bigint not null default 0,
      idempotency_key text,
      idempotency_hash text,
      lease_owner text,
      lease_until timestamptz,
      next_attempt_at timestamptz,
      wakes bigint not null default 0,
      created_at timestamptz not null default now(),
      check (not (enabled and deleting))
    );
    create index vm_by_owner on vm (user_id, number);
    create index vm_due on vm (next_attempt_at) where next_attempt_at is not null;
    create unique index vm_idempotency on vm (user_id, idempotency_key) where idempotency_key is not null;

    create table vm_secret (
      vm_id uuid not null references vm (id) on delete cascade,
      key text not null,
      sealed bytea not null,
      updated_at timestamptz not null default now(),
      primary key (vm_id, key)
    );

    create table vm_mapping (
      vm_id uuid not null references vm (id) on delete cascade,
      name text not null,
      internal_port integer not null check (internal_port between 1 and 65535),
      visibility text not null,
      created_at timestamptz not null default now(),
      primary key (vm_id, name)
    );

    -- Outlives its VM: a subscriber that resumes after the deletion still reads DELETED.
    create table vm_event (
      user_id text not null references account (user_id),
      seq bigint not null,
      vm_id uuid not null,
      kind text not null,
      status text not null,
      previous_status text,
      reason text,
      at timestamptz not null default now(),
      primary key (user_id, seq)
    );
    create index vm_event_by_vm on vm_event (vm_id, seq);
    create index vm_event_by_age on vm_event (at);

    create table open_link (
      token_hash bytea primary key,
      vm_id uuid not null references vm (id) on delete cascade,
      name text,
      expires_at timestamptz not null,
      -- Of the cookie that the link turns into: the life of the token that asked for it.
      session_until timestamptz not null
    );
  `.execute(db);
}
