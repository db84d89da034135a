import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Who may open a VM's addresses: a row is a link, and then the access of the browser that came with it. A gateway of
    -- the previous version goes on with open_link, whose links it redeems itself.
    create table vm_access (
      id uuid primary key default gen_random_uuid(),
      vm_id uuid not null references vm (id) on delete cascade,
      -- The mapping; null: the VM's own address.
      name text,
      role text not null,
      is_guest boolean not null,
      signs_in boolean not null,
      -- Of the link and of the cookie. The link works until link_until, and only while there is no cookie.
      link_hash bytea not null unique,
      link_until timestamptz not null,
      token_hash bytea unique,
      created_at timestamptz not null default now(),
      -- When the link was used, and from which address.
      opened_at timestamptz,
      address text,
      -- When the app's password was first read for this access.
      signed_in_at timestamptz,
      until timestamptz not null,
      foreign key (vm_id, name) references vm_mapping (vm_id, name) on delete cascade
    );
    create index vm_access_of_vm on vm_access (vm_id);
    create index vm_access_until on vm_access (until);
    -- Incremented when an access is ended.
    alter table vm add column access_version int8 not null default 0;
  `.execute(db);
}
