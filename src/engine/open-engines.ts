import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../log.ts';
import { DockerDriver } from './docker/docker-driver.ts';
import type { EngineDriver } from './driver.ts';

export { parseEndpoint } from './docker/connection/parse-endpoint.ts';

export interface Engine {
  readonly endpoint: string;
  /** Codes of the regions whose machines it runs. */
  readonly regions: readonly string[];
  readonly driver: EngineDriver;
}

export interface Engines {
  /** By region code. Regions with the same endpoint share one driver. */
  readonly drivers: ReadonlyMap<string, EngineDriver>;
  /** One entry per endpoint. */
  readonly endpoints: readonly Engine[];
  /**
   * Takes other regions. Engines whose endpoint and regions stay are kept; returns those that are left, which the caller
   * closes. Throws, and changes nothing, if an endpoint is invalid.
   */
  change(regions: ReadonlyMap<string, string>): readonly Engine[];
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly installationId: string;
  readonly log: Log;
  /** Whether machines are isolated from each other, from the engines' hosts and from private networks. */
  readonly isolation: 'on' | 'off';
  /** The folder of the certificates for `tls://`. */
  readonly certificates?: string | undefined;
  /** A file with credentials of registries, in the format of Docker's config.json. */
  readonly registryAuthFile?: string | undefined;
}

/** Creates one driver per distinct endpoint, without connecting. Throws if an endpoint is invalid. */
export function openEngines(regions: ReadonlyMap<string, string>, options: EngineOptions): Engines {
  const open = (endpoint: string): EngineDriver => new DockerDriver({ endpoint, ...options });
  let endpoints = groupRegions(regions, [], open);
  let drivers = driversByRegion(endpoints);
  return {
    get drivers() {
      return drivers;
    },
    get endpoints() {
      return endpoints;
    },
    change(next) {
      const before = endpoints;
      endpoints = groupRegions(next, before, open);
      drivers = driversByRegion(endpoints);
      return before.filter((engine) => !endpoints.includes(engine));
    },
    close: async () => void (await Promise.all(endpoints.map(({ driver }) => driver.close()))),
  };
}

/** One engine per endpoint: the open one if it has the same regions, as its watches do, otherwise a new one. */
function groupRegions(
  regions: ReadonlyMap<string, string>,
  open: readonly Engine[],
  openDriver: (endpoint: string) => EngineDriver,
): readonly Engine[] {
  const codesByEndpoint = Map.groupBy(regions.keys(), (code) => regions.get(code) ?? '');
  return [...codesByEndpoint].map(([endpoint, codes]) => {
    const isSame = (engine: Engine): boolean =>
      engine.endpoint === endpoint && isDeepStrictEqual(engine.regions, codes);
    return open.find(isSame) ?? { endpoint, regions: codes, driver: openDriver(endpoint) };
  });
}

function driversByRegion(endpoints: readonly Engine[]): Engines['drivers'] {
  return new Map(endpoints.flatMap(({ regions, driver }) => regions.map((code) => [code, driver] as const)));
}
