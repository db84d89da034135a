import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Refers to nothing: it outlives the VM, and it would outlive the account.
    create table audit (
      user_id text not null,
      number bigint generated always as identity,
      -- Null: whoever held a link.
      actor text,
      address text not null,
      action text not null,
      vm_id uuid not null,
      vmlabel text not null,
      details jsonb not null default '{}',
      count integer not null default 1,
      -- Of an action that is counted instead of told each time; null for any other, and nulls are never the same.
      minute timestamptz,
      at timestamptz not null default now(),
      primary key (user_id, number)
    );
    create unique index audit_counted on audit (vm_id, action, actor, address, minute) where minute is not null;
    create index audit_by_age on audit (at);
  `.execute(db);
}
