import { probeOf, type Distribution } from '../../catalog/distribution.ts';
import type { Probe } from '../../catalog/probe.ts';
import type { MachineAddress, MachineSpec, Observation } from '../../engine/machine.ts';

/** Where and how the gateway checks whether a VM's app is up. */
export interface AppEndpoint extends MachineAddress {
  readonly scheme: 'http' | 'https';
  readonly probe: Pick<Probe, 'path' | 'expect'>;
  /** HTTP Basic, `user:password`; undefined when the probe needs no sign-in. Secret: never log it. */
  readonly credentials: string | undefined;
}

interface EndpointSource {
  readonly distribution: Distribution | undefined;
  readonly desktop: string | null;
  readonly spec: Pick<MachineSpec, 'env'> | undefined;
  readonly observed: Pick<Observation, 'address' | 'image'> | undefined;
}

/** Undefined while the container has no address, or when the catalog no longer has the distribution. */
export function appEndpoint({ distribution, desktop, spec, observed }: EndpointSource): AppEndpoint | undefined {
  if (observed?.address === undefined || distribution === undefined) return undefined;
  const { defaultPort: port, scheme, passwordVariables } = distribution;
  const probe = probeOf(distribution, desktop, observed.image);
  const [variable = ''] = passwordVariables;
  const password = spec?.env[variable];
  // Without a password the image requires no sign-in.
  const credentials =
    probe.signIn === 'none' || password === undefined ? undefined : `${spec?.env['CUSTOM_USER'] ?? 'abc'}:${password}`;
  return { host: observed.address, port, scheme, probe, credentials };
}
