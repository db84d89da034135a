import type { LiveCatalog } from '../catalog/live-catalog.ts';
import type { Config } from '../config/config.ts';
import type { Db } from '../db/database.ts';
import type { Engines } from '../engine/open-engines.ts';
import type { BootProgress } from '../events/boot-progress.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { openOrphanDesk } from './open-orphan-desk.ts';
import type { RegionWatches } from '../reconciler/watch/region-watches.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { ExecPlaces } from '../vm/inside/exec-places.ts';
import type { ForwardSettings } from '../vm/networking/port-forward.ts';
import { publicAddress } from '../vm/networking/public-address.ts';
import type { RegionDrains } from '../vm/restrictions/region-drains.ts';
import { VmTelemetry } from '../vm/telemetry/vm-telemetry.ts';

interface ServiceParts {
  readonly config: Config;
  /** The port that the gateway listens on. */
  readonly port: number;
  readonly forward: ForwardSettings;
  readonly db: Db;
  readonly catalog: LiveCatalog;
  readonly secretBox: SecretBox;
  readonly streams: EventStreams;
  readonly bootProgress: BootProgress;
  readonly regions: RegionWatches;
  readonly drains: RegionDrains;
  readonly engines: Engines;
  /** Aborts when nothing may wait for the database any more. */
  readonly ending: AbortSignal;
}

/** What the API and the ingress use of the other parts. */
export function createServices(parts: ServiceParts) {
  const { config, port, forward, db, catalog, secretBox, streams, bootProgress, regions, drains, engines, ending } =
    parts;
  const { maxAccessMs } = config;
  return {
    db,
    catalog,
    secretBox,
    forward,
    address: publicAddress(config, port),
    maxAccessMs,
    streams,
    bootProgress,
    telemetry: new VmTelemetry({ driverOf: (region) => regions.getDriver(region), streams }),
    driverOf: (region: string) => regions.getDriver(region),
    execPlaces: new ExecPlaces(),
    isRegionAvailable: (region: string) => regions.healthOf(region).canStart && drains.find(region) === undefined,
    regionsChangedAt: () => new Date(Math.max(regions.changedAt().getTime(), drains.changedAt)),
    findDrain: (region: string) => drains.find(region),
    drains,
    orphans: openOrphanDesk({ db, catalog, secretBox, forward, engines, ending }),
    factsOf: (region: string) => regions.factsOf(region),
  };
}
