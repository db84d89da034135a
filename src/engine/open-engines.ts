import { isDeepStrictEqual } from 'node:util';
import { DockerDriver } from './docker/docker-driver.ts';
import type { EngineDriver } from './driver.ts';
import type { EngineOptions } from './engine-options.ts';
import { openSwarm } from './open-swarm.ts';
import { parseSwarmEndpoint } from './swarm/swarm-endpoint.ts';

export { parseSwarmEndpoint } from './swarm/swarm-endpoint.ts';
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

/** Creates one driver per distinct endpoint, without connecting. Throws if an endpoint is invalid. */
export function openEngines(regions: ReadonlyMap<string, string>, options: EngineOptions): Engines {
  const open = (endpoint: string): EngineDriver => {
    const swarm = parseSwarmEndpoint(endpoint);
    return swarm === undefined ? new DockerDriver({ endpoint, ...options }) : openSwarm(swarm, options);
  };
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
