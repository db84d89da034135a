import { sql } from 'kysely';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Db } from './db/database.ts';
import { isDatabaseUnavailable } from './db/database-errors.ts';
import type { EventStreams } from './events/event-streams.ts';
import { withDeadline } from './lib/concurrency/with-deadline.ts';
import type { RegionWatches } from './reconciler/watch/region-watches.ts';
import { toVmStatus, VM_STATUSES } from './vm/vm-status.ts';

export interface MetricsSources {
  readonly db: Db;
  readonly streams: EventStreams;
  readonly regions: Pick<RegionWatches, 'healthOf' | 'countOrphans'>;
  /** The codes of the regions. */
  readonly codes: readonly string[];
  /** When each loop last completed a round, in terms of performance.now(), by what it does. */
  readonly loops: ReadonlyMap<string, () => number>;
}

const DATABASE_DEADLINE_MS = 2_000;
const STALLED_AFTER_SECONDS = 15;

/** Whether a loop is 'ok' or has stalled. */
export function loopSummary(secondsSinceRound: number): string {
  if (secondsSinceRound < STALLED_AFTER_SECONDS) return 'ok';
  return `stalled: the last success was ${Math.round(secondsSinceRound)} s ago`;
}

/** The metrics of this process, and whether it is ready. */
export class Metrics {
  readonly #sources: MetricsSources;
  readonly #register: Registry;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    this.#register = registerMetrics(sources);
  }

  /** Renders all metrics in the Prometheus text format. */
  async read(): Promise<{ type: string; text: string }> {
    return { type: this.#register.contentType, text: await this.#register.metrics() };
  }

  /**
   * Whether requests can be served: the database answers, and no loop that needs it has stalled. Engine problems are
   * listed but do not fail readiness.
   */
  async checkReady(): Promise<{ ready: boolean; checks: Record<string, string> }> {
    const { db, regions, codes, loops } = this.#sources;
    const query = () => sql`select 1`.execute(db);
    const database = await withDeadline(DATABASE_DEADLINE_MS, new AbortController().signal, query).then(
      () => 'ok',
      () => 'unreachable',
    );
    const now = performance.now();
    const rounds = [...loops].map(([name, roundAt]) => [name, loopSummary((now - roundAt()) / 1_000)] as const);
    const ready = database === 'ok' && rounds.every(([, summary]) => summary === 'ok');
    const engines = codes.map((region) => [`engine ${region}`, regions.healthOf(region).summary] as const);
    return { ready, checks: { database, ...Object.fromEntries(rounds), ...Object.fromEntries(engines) } };
  }
}

function registerMetrics({ db, streams, regions, codes }: MetricsSources): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  new Gauge({
    name: 'swiftor_vms',
    help: 'VMs by status.',
    labelNames: ['status'],
    registers: [register],
    async collect() {
      this.reset();
      // The other metrics are needed during a database outage, too.
      const rows = await countVms(db).catch((error: unknown) => {
        if (isDatabaseUnavailable(error)) return undefined;
        throw error;
      });
      if (rows === undefined) return;
      for (const status of VM_STATUSES) this.set({ status }, 0);
      for (const { status, count } of rows) this.inc({ status: toVmStatus(status) }, count);
    },
  });
  new Gauge({
    name: 'swiftor_event_subscribers',
    help: 'Subscribers of vmEvents on this gateway.',
    registers: [register],
    collect() {
      this.set(streams.count());
    },
  });
  new Gauge({
    name: 'swiftor_engine_can_start_vms',
    help: "1 if the region's engine answers and isolates VMs as configured, otherwise 0; /health/ready has the reason.",
    labelNames: ['region'],
    registers: [register],
    collect() {
      for (const region of codes) this.set({ region }, regions.healthOf(region).canStart ? 1 : 0);
    },
  });
  new Gauge({
    name: 'swiftor_engine_unheld_limits',
    help:
      "Limits that the host of the region's engine cannot hold, so one VM can cost others; /health/ready names " +
      'them.',
    labelNames: ['region'],
    registers: [register],
    collect() {
      for (const region of codes) this.set({ region }, regions.healthOf(region).unheld ?? 0);
    },
  });
  new Gauge({
    name: 'swiftor_engine_orphan_vms',
    help: "VMs on the region's engine that are not in the database; an operator has to adopt or remove them.",
    labelNames: ['region'],
    registers: [register],
    collect() {
      for (const region of codes) this.set({ region }, regions.countOrphans(region));
    },
  });
  return register;
}

function countVms(db: Db): Promise<{ status: string; count: number }[]> {
  return db
    .selectFrom('vm')
    .select(['status', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy('status')
    .execute();
}
