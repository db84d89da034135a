import { probeOf, type Distribution } from '../../catalog/distribution.ts';
import type { Probe } from '../../catalog/probe.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { MachineAddress, MachineSpec, Observation } from '../../engine/machine.ts';

/** Where and how the gateway checks whether a VM's app is up. */
export interface AppEndpoint extends MachineAddress {
  readonly scheme: 'http' | 'https';
  readonly probe: Pick<Probe, 'path' | 'expect'>;
  /** HTTP Basic, `user:password`; undefined when the probe needs no sign-in. Secret: never log it. */
  readonly credentials: string | undefined;
  /** Opens a connection to it. */
  readonly dial: EngineDriver['dial'];
}

interface EndpointSource extends Pick<AppEndpoint, 'dial'> {
  readonly distribution: Distribution | undefined;
  readonly desktop: string | null;
  readonly spec: Pick<MachineSpec, 'env'> | undefined;
  readonly observed: Pick<Observation, 'address' | 'node' | 'image'> | undefined;
}

/** Undefined while the container has no address, or when the catalog no longer has the distribution. */
export function appEndpoint({ distribution, desktop, spec, observed, dial }: EndpointSource): AppEndpoint | undefined {
  if (observed?.address === undefined || distribution === undefined) return undefined;
  const { defaultPort: port, scheme, passwordVariables } = distribution;
  const probe = probeOf(distribution, desktop, observed.image);
  const [variable = ''] = passwordVariables;
  const password = spec?.env[variable];
  // Without a password the image requires no sign-in.
  const credentials =
    probe.signIn === 'none' || password === undefined ? undefined : `${spec?.env['CUSTOM_USER'] ?? 'abc'}:${password}`;
  const { address: host, node } = observed;
  return { host, port, node, scheme, probe, credentials, dial };
}
