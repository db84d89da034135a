import { probeOf, type Distribution } from '../../catalog/distribution.ts';
import type { Probe } from '../../catalog/probe.ts';
import type { MachineAddress, MachineSpec, Observation } from '../../engine/machine.ts';

/** Where the app of a VM is asked whether it is up, and how. */
export interface AppDoor extends MachineAddress {
  readonly scheme: 'http' | 'https';
  readonly probe: Pick<Probe, 'path' | 'expect'>;
  /** Of HTTP Basic, `user:password`; undefined where the probe signs nobody in. A secret: not for a log. */
  readonly credentials: string | undefined;
}

interface DoorSource {
  readonly distribution: Distribution | undefined;
  readonly desktop: string | null;
  readonly spec: Pick<MachineSpec, 'env'> | undefined;
  readonly observed: Pick<Observation, 'address' | 'image'> | undefined;
}

/** Undefined while the container has no address. */
export function appDoor({ distribution, desktop, spec, observed }: DoorSource): AppDoor | undefined {
  if (observed?.address === undefined || distribution === undefined) return undefined;
  const { defaultPort: port, scheme, passwordVariables } = distribution;
  const probe = probeOf(distribution, desktop, observed.image);
  const [variable = ''] = passwordVariables;
  const password = spec?.env[variable];
  // Without a password the image asks for none.
  const credentials = probe.signIn === 'none' || password === undefined ? undefined : `${spec?.env['CUSTOM_USER'] ?? 'abc'}:${password}`;
  return { host: observed.address, port, scheme, probe, credentials };
}
