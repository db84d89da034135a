import { imageOf, localImageOf, type Distribution } from '../../catalog/distribution.ts';
import type { MachineSpec, MachineVolume } from '../../engine/machine.ts';
import { specHash } from '../../engine/labels.ts';
import { toOrderLabels } from '../../vm/commands/order-labels.ts';
import { isImageDue, keptImage, orderedReference } from '../../vm/vm-image.ts';
import { PASSWORD_KEY } from '../../secrets/secret-store.ts';
import type { Vm } from '../../vm/vm.ts';

const MB = 2 ** 20;
const GB = 2 ** 30;

export interface SpecSource {
  readonly vm: Vm;
  /** The catalog entry of the VM. */
  readonly distribution: Distribution;
  readonly secrets: readonly { readonly key: string; readonly value: string }[];
  /** Constant for the VM's life. It makes the spec's hash useless for guessing secrets. */
  readonly salt: string;
  readonly policy: MachinePolicy;
  /** The address of the engine's host on which forwarded ports listen. */
  readonly bind: string;
}

/** The operator's settings for the machines of a region. */
export interface MachinePolicy {
  readonly egress: MachineSpec['egress'];
  /** The engine's default if absent. */
  readonly runtime?: string;
}

/** Builds the machine that the VM should have; undefined when the catalog no longer has its image. */
export function toMachineSpec({ vm, distribution, secrets, salt, policy, bind }: SpecSource): MachineSpec | undefined {
  const offered = imageOf(distribution, vm.desktop);
  if (offered === undefined) return undefined;
  const kept = keptImage(vm);
  // The reference of the kept image: an edited catalog must not replace the VM's container.
  const imageRef = kept === undefined ? offered : orderedReference(kept);
  const localImageRef = localImageOf(distribution, vm.desktop);
  const spec = {
    id: vm.id,
    imageRef,
    ...(localImageRef !== undefined && { localImageRef }),
    ...(kept !== undefined && { keptImage: kept }),
    ...(isImageDue(vm) && { renewImage: true }),
    ...(distribution.command !== undefined && { command: distribution.command }),
    env: environmentOf(distribution, secrets),
    volumes: volumesOf(vm, distribution),
    ports: vm.ports.map(({ protocol, internalPort, publicPort }) => ({ protocol, internalPort, publicPort, bind })),
    cpu: vm.cpu,
    memoryBytes: vm.ramGb * GB,
    pidsLimit: distribution.pidsLimit,
    shmBytes: distribution.shmMb * MB,
    stopGraceSeconds: distribution.stopGraceSeconds,
    security: securityOf(distribution),
    ...policy,
    labels: toOrderLabels(vm),
  };
  return { ...spec, hash: specHash(spec, salt, vm.incarnation) };
}

/**
 * The catalog's variables, then the password under the names that the image's sign-in reads, then the user's secrets.
 */
function environmentOf(
  { env, passwordVariables }: Distribution,
  secrets: SpecSource['secrets'],
): Record<string, string> {
  const own = Object.fromEntries(secrets.map(({ key, value }) => [key, value]));
  const password = own[PASSWORD_KEY];
  const signIn = password === undefined ? {} : Object.fromEntries(passwordVariables.map((name) => [name, password]));
  return { ...env, ...signIn, ...own };
}

function securityOf({ capabilities, noNewPrivileges, seccomp, devices }: Distribution): MachineSpec['security'] {
  return { capabilities, noNewPrivileges, seccomp, devices };
}

/** The primary volume follows the VM's storage type. All other volumes of the image hold data and outlive a stop. */
function volumesOf({ persistent, storageReady, storageGb }: Vm, { volumes }: Distribution): MachineVolume[] {
  return volumes.map(({ name, path }) => {
    const lifetime = name === 'primary' && !persistent ? 'until-stop' : 'until-delete';
    if (lifetime === 'until-stop') return { name, target: path, lifetime, mustExist: false };
    return {
      name,
      target: path,
      lifetime,
      mustExist: storageReady,
      ...(storageGb !== null && { sizeBytes: storageGb * GB }),
    };
  });
}
