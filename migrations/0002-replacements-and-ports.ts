import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vm add column answered_hash text, add column undone_hash text;

    create table vm_port (
      vm_id uuid not null references vm (id) on delete cascade,
      protocol text not null check (protocol in ('tcp', 'udp')),
      internal_port integer not null check (internal_port between 1 and 65535),
      public_port integer not null check (public_port between 1 and 65535),
      created_at timestamptz not null default now(),
      primary key (vm_id, protocol, internal_port),
      -- In the whole installation: two regions may be one engine.
      unique (protocol, public_port)
    );
  `.execute(db);
}
