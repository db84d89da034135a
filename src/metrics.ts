import { sql } from 'kysely';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Db } from './db/database.ts';
import type { EventStreams } from './events/event-streams.ts';
import type { EngineHealth } from './reconciler/engine-health.ts';
import { toVmStatus, VM_STATUSES } from './vm/vm-status.ts';

export interface Metrics {
  /** Prometheus' text format. */
  read(): Promise<{ type: string; text: string }>;
  /** Whether requests can be served: the database answers. Engines with whatever is wrong with them are named, and are no reason to send requests elsewhere. */
  checkReady(): Promise<{ ready: boolean; checks: Record<string, string> }>;
}

export interface MetricsSources {
  readonly db: Db;
  readonly streams: EventStreams;
  readonly regions: readonly string[];
  readonly healthOf: (region: string) => EngineHealth;
  /** How many VMs the region's engine has that are not in the database. */
  readonly orphansOf: (region: string) => number;
}

export function createMetrics({ db, streams, regions, healthOf, orphansOf }: MetricsSources): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  new Gauge({
    name: 'swiftor_vms',
    help: 'VMs by status.',
    labelNames: ['status'],
    registers: [register],
    async collect() {
      const rows = await db
        .selectFrom('vm')
        .select(['status', (eb) => eb.fn.countAll<number>().as('count')])
        .groupBy('status')
        .execute();
      for (const status of VM_STATUSES) this.set({ status }, 0);
      for (const { status, count } of rows) this.inc({ status: toVmStatus(status) }, count);
    },
  });
  new Gauge({
    name: 'swiftor_event_subscribers',
    help: 'Readers of vmEvents on this gateway.',
    registers: [register],
    collect() {
      this.set(streams.count());
    },
  });
  new Gauge({
    name: 'swiftor_engine_can_start_vms',
    help: '1 while the engine of the region answers and walls VMs off, as far as the operator wants that; else 0, and /health/ready says why.',
    labelNames: ['region'],
    registers: [register],
    collect() {
      for (const region of regions) this.set({ region }, healthOf(region).canStart ? 1 : 0);
    },
  });
  new Gauge({
    name: 'swiftor_engine_orphan_vms',
    help: "VMs that the region's engine has and the database does not know: they are kept until an operator says what they are.",
    labelNames: ['region'],
    registers: [register],
    collect() {
      for (const region of regions) this.set({ region }, orphansOf(region));
    },
  });

  return {
    read: async () => ({ type: register.contentType, text: await register.metrics() }),
    async checkReady() {
      const database = await sql`select 1`.execute(db).then(
        () => 'ok',
        () => 'unreachable',
      );
      const engines = regions.map((region) => [`engine ${region}`, healthOf(region).summary] as const);
      return { ready: database === 'ok', checks: { database, ...Object.fromEntries(engines) } };
    },
  };
}
