import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Gateways that ask the apps of VMs that run. Their rows are renewed as a whole, whatever the number of VMs.
    create table watcher (
      owner text primary key,
      alive_until timestamptz not null,
      -- When the VM that was asked the longest time ago has answered as its row says.
      checked_at timestamptz not null
    );
    -- The gateway that asks the VM's app; null if none does, and while one has the lease.
    alter table vm add column watcher text;
    create index vm_by_watcher on vm (watcher) where watcher is not null;
  `.execute(db);
}
