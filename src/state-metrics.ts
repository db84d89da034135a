import { sql } from 'kysely';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { countConnections, type Db } from './db/database.ts';
import { isDatabaseUnavailable } from './db/database-errors.ts';
import type { Listener } from './db/listen.ts';
import type { EngineNode } from './engine/engine-reports.ts';
import type { EventStreams } from './events/event-streams.ts';
import type { RegionWatches } from './reconciler/watch/region-watches.ts';
import { LISTENER } from './secrets/gateway-keys.ts';
import { toVmStatus, VM_STATUSES } from './vm/vm-status.ts';

export interface StateSources {
  readonly db: Db;
  /** The pools of connections by what they are for. */
  readonly pools: ReadonlyMap<string, Db>;
  readonly listener: Pick<Listener, 'backend'>;
  readonly streams: Pick<EventStreams, 'count'>;
  readonly regions: Pick<RegionWatches, 'healthOf' | 'countOrphans' | 'diskSpace' | 'nodesOf'>;
  /** The codes of the regions. */
  readonly codes: () => readonly string[];
  /** The number of VMs that this gateway works on. */
  readonly countReconciling: () => number;
  /** The number of VMs that run, and whose apps this gateway asks. */
  readonly countWatched: () => number;
  readonly version: string;
}

/** Metrics that are read at each scrape: the states of the process, its database and its engines. */
export function createStateMetrics(sources: StateSources): Registry {
  const { db, pools, listener, streams, regions, codes, countReconciling, countWatched, version } = sources;
  const register = new Registry();
  const gauge = (name: string, help: string, labelNames: readonly string[], read: (gauge: Gauge) => unknown): void => {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [register],
      async collect() {
        await read(this);
      },
    });
  };
  const byRegion = (name: string, help: string, read: (region: string) => number | undefined): void =>
    gauge(name, help, ['region'], (each) => {
      each.reset();
      for (const region of codes()) {
        const value = read(region);
        if (value !== undefined) each.set({ region }, value);
      }
    });

  const byNode = (name: string, help: string, read: (node: EngineNode) => number | undefined): void =>
    gauge(name, help, ['region', 'node'], (each) => {
      each.reset();
      for (const region of codes()) {
        for (const node of regions.nodesOf(region)) {
          const value = read(node);
          if (value !== undefined) each.set({ region, node: node.name }, value);
        }
      }
    });

  collectDefaultMetrics({ register });
  // Gauges with the ending of counters; those without it say the same by type.
  for (const kind of ['handles', 'requests', 'resources']) register.removeSingleMetric(`nodejs_active_${kind}_total`);
  gauge('swiftor_build_info', 'Always 1; the labels are the versions.', ['version', 'node'], (each) =>
    each.set({ version, node: process.version }, 1),
  );
  gauge(
    'swiftor_vms',
    'VMs by status. Of the gateways of one database only one has it, so that sums are right.',
    ['status'],
    async (each) => {
      each.reset();
      // The other metrics are needed during a database outage, too.
      const rows = await countVms(db, listener.backend).catch((error: unknown) => {
        if (isDatabaseUnavailable(error)) return undefined;
        throw error;
      });
      if (rows === undefined) return;
      for (const status of VM_STATUSES) each.set({ status }, 0);
      for (const { status, count } of rows) each.inc({ status: toVmStatus(status) }, count);
    },
  );
  gauge('swiftor_event_subscribers', 'Subscribers of vmEvents on this gateway.', [], (each) =>
    each.set(streams.count()),
  );
  gauge('swiftor_reconciling_vms', 'VMs that this gateway works on at the moment.', [], (each) =>
    each.set(countReconciling()),
  );
  gauge('swiftor_watched_vms', 'VMs that run, and whose apps this gateway asks every 5 s.', [], (each) =>
    each.set(countWatched()),
  );
  gauge('swiftor_database_connections', 'Connections to the database by pool and state.', ['pool', 'state'], (each) => {
    for (const [pool, of] of pools) {
      const { used, idle } = countConnections(of);
      each.set({ pool, state: 'used' }, used);
      each.set({ pool, state: 'idle' }, idle);
    }
  });
  gauge('swiftor_database_waiting', 'Statements that wait for a connection, by pool.', ['pool'], (each) => {
    for (const [pool, of] of pools) each.set({ pool }, countConnections(of).waiting);
  });
  byRegion(
    'swiftor_engine_can_start_vms',
    "1 if the region's engine answers and isolates VMs as configured, otherwise 0; /health/ready has the reason.",
    (region) => (regions.healthOf(region).canStart ? 1 : 0),
  );
  byRegion(
    'swiftor_engine_unheld_limits',
    "Limits that the host of the region's engine cannot hold, so one VM can cost others; /health/ready names them.",
    (region) => regions.healthOf(region).unheld ?? 0,
  );
  byRegion(
    'swiftor_engine_orphan_vms',
    "VMs on the region's engine that are not in the database; an operator has to adopt or remove them.",
    (region) => regions.countOrphans(region),
  );
  byRegion(
    'swiftor_engine_disk_used_bytes',
    "Bytes in use on the disk of the region's engine.",
    (region) => regions.diskSpace(region)?.usedBytes,
  );
  byRegion(
    'swiftor_engine_disk_free_bytes',
    "Free bytes on the disk of the region's engine.",
    (region) => regions.diskSpace(region)?.freeBytes,
  );
  byNode('swiftor_node_there', '1 if the node of a swarm answers and was not missed by it, otherwise 0.', (node) =>
    node.isThere ? 1 : 0,
  );
  byNode(
    'swiftor_node_can_start_vms',
    '1 if new VMs can come to the node of a swarm, otherwise 0: it is away, paused, drained, or cannot isolate VMs.',
    ({ isThere, availability, problem }) => (isThere && availability === 'active' && problem === undefined ? 1 : 0),
  );
  byNode('swiftor_node_vms', 'VMs whose containers are on the node of a swarm.', ({ machines }) => machines);
  byNode('swiftor_node_disk_used_bytes', 'Bytes in use on the disk of the node.', ({ disk }) => disk?.usedBytes);
  byNode('swiftor_node_disk_free_bytes', 'Free bytes on the disk of the node.', ({ disk }) => disk?.freeBytes);
  return register;
}

/**
 * The VMs by status, if `backend` is the oldest LISTEN connection of this database's gateways. Undefined for all other
 * gateways.
 */
async function countVms(db: Db, backend: number | undefined): Promise<{ status: string; count: number }[] | undefined> {
  const { rows } = await sql<{ backend: number }>`
    select pid as backend from pg_stat_activity
    where datname = current_database() and application_name like ${`${LISTENER}%`}
    order by backend_start, pid limit 1
  `.execute(db);
  if (backend === undefined || rows[0]?.backend !== backend) return undefined;
  return db
    .selectFrom('vm')
    .select(['status', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy('status')
    .execute();
}
