import { sql } from 'kysely';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Db } from './db/database.ts';
import type { EventStreams } from './events/event-streams.ts';
import { VM_STATUSES } from './vm/vm-status.ts';

export interface Metrics {
  /** Prometheus' text format. */
  read(): Promise<{ type: string; text: string }>;
  /** Whether requests can be served: the database answers. Engines with whatever is wrong with them are named, and are no reason to send requests elsewhere. */
  checkReady(
    regions: readonly string[],
    summaryOf: (region: string) => string,
  ): Promise<{ ready: boolean; checks: Record<string, string> }>;
}

export function createMetrics({ db, streams }: { db: Db; streams: EventStreams }): Metrics {
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
      const counts = new Map(rows.map(({ status, count }) => [status, count]));
      for (const status of VM_STATUSES) this.set({ status }, counts.get(status) ?? 0);
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

  return {
    read: async () => ({ type: register.contentType, text: await register.metrics() }),
    async checkReady(regions, summaryOf) {
      const database = await sql`select 1`.execute(db).then(
        () => 'ok',
        () => 'unreachable',
      );
      const engines = regions.map((region) => [`engine ${region}`, summaryOf(region)] as const);
      return { ready: database === 'ok', checks: { database, ...Object.fromEntries(engines) } };
    },
  };
}
