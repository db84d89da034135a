import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';

/** What the drivers of all engines share. */
export interface EngineOptions {
  readonly installationId: string;
  readonly log: Log;
  /** Whether machines are isolated from each other, from the engines' hosts and from private networks. */
  readonly isolation: 'on' | 'off';
  /** The folder of the certificates for `tls://`. */
  readonly certificates?: string | undefined;
  /** A file with credentials of registries, in the format of Docker's config.json. */
  readonly registryAuthFile?: string | undefined;
  /** The folder of the certificates that Swarm gave to this machine; that of Docker by default. */
  readonly swarmCertificates?: string | undefined;
  /** How long VMs without lasting data wait for a node that is away before they move; 30 s by default. */
  readonly nodePatienceMs?: number | undefined;
}

/** What the settings say of them. */
export function engineOptions(config: Config): Omit<EngineOptions, 'installationId' | 'log'> {
  const { isolation, engineCertificates: certificates, registryAuthFile, swarmCertificates, nodePatienceMs } = config;
  return { isolation, certificates, registryAuthFile, swarmCertificates, nodePatienceMs };
}
