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
  const codesByEndpoint = Map.groupBy(regions.keys(), (code) => regions.get(code) ?? '');
  const endpoints = [...codesByEndpoint].map(([endpoint, codes]): Engine => {
    return { endpoint, regions: codes, driver: new DockerDriver({ endpoint, ...options }) };
  });
  return {
    drivers: new Map(endpoints.flatMap(({ regions: codes, driver }) => codes.map((code) => [code, driver] as const))),
    endpoints,
    close: async () => void (await Promise.all(endpoints.map(({ driver }) => driver.close()))),
  };
}
