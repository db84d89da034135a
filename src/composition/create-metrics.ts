import type { Db } from '../db/database.ts';
import type { Listener } from '../db/listen.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { VERSION } from '../lib/version.ts';
import type { LiveRegions } from './live-regions.ts';
import { Metrics } from '../metrics.ts';
import type { RegionWatches } from '../reconciler/watch/region-watches.ts';
import type { Reconciler } from './start-reconciler.ts';

interface MeasuredParts {
  readonly settings: LiveRegions;
  readonly db: Db;
  /** The connections of the reconciler. */
  readonly engineDb: Db;
  readonly listener: Listener;
  readonly streams: EventStreams;
  readonly regions: RegionWatches;
  /** Undefined in a gateway without that role. */
  readonly reconciler: Reconciler | undefined;
}

/** Creates the metrics of the parts, and the readiness of those that work in loops. */
export function createMetrics(parts: MeasuredParts): Metrics {
  const { settings, db, engineDb, listener, streams, regions, reconciler } = parts;
  return new Metrics({
    db,
    pools: new Map([
      ['api', db],
      ['reconciler', engineDb],
    ]),
    listener,
    streams,
    regions,
    codes: () => settings.codes,
    countReconciling: () => reconciler?.loop.size ?? 0,
    countWatched: () => reconciler?.loop.watched ?? 0,
    version: VERSION,
    loops: loopsOf(listener, reconciler),
  });
}

/** When each loop that readiness depends on last completed a round. */
function loopsOf(listener: Listener, reconciler: Reconciler | undefined): Map<string, () => number> {
  const loops = new Map([['listening for changes', () => listener.answeredAt()]]);
  if (reconciler === undefined) return loops;
  const { loop } = reconciler;
  return loops.set('claiming due VMs', () => loop.claimedAt).set('extending leases', () => loop.heartbeatAt);
}
