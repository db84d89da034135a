import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Measurements of the last hour. Unlogged: after a crash of the database a chart begins anew.
    create unlogged table vm_stats (
      vm_id uuid not null references vm (id) on delete cascade,
      -- By the clock of the engine.
      at timestamptz not null,
      stored_at timestamptz not null default now(),
      cpu_percent double precision not null,
      memory_bytes bigint not null,
      memory_limit_bytes bigint not null,
      network_rx_bytes bigint not null,
      network_tx_bytes bigint not null,
      primary key (vm_id, at)
    );
    create index vm_stats_by_age on vm_stats (stored_at);
  `.execute(db);
}
