import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table account
      -- The order of creation, the cursor of lists.
      add column number bigint generated always as identity unique,
      -- The plan that an operator has set. It counts before the token's.
      add column operator_plan text,
      -- Set: the account's VMs are off, and its starts are refused. A gateway of the previous version still starts them.
      add column suspended_at timestamptz,
      add column suspended_reason text;
    -- What an operator said of a change, in words for the owner.
    alter table vm_event add column note text;
    -- Regions where nothing new starts.
    create table region_drain (
      region text primary key,
      reason text not null,
      since timestamptz not null default now()
    );
  `.execute(db);
}
