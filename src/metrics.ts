import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { withDeadline } from './lib/concurrency/with-deadline.ts';
import { measures } from './measures.ts';
import { createStateMetrics, type StateSources } from './state-metrics.ts';

export interface MetricsSources extends StateSources {
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
    this.#register = Registry.merge([measures.registry, createStateMetrics(sources)]);
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
    const engines = codes().map((region) => [`engine ${region}`, regions.healthOf(region).summary] as const);
    return { ready, checks: { database, ...Object.fromEntries(rounds), ...Object.fromEntries(engines) } };
  }
}
