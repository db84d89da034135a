import { imageOf, localImageOf, type Distribution } from '../../catalog/distribution.ts';
import type { MachineSpec, MachineVolume } from '../../engine/machine.ts';
import { specHash } from '../../engine/labels.ts';
import { toOrderLabels } from '../../vm/commands/order-labels.ts';
import { isImageDue, keptImage, orderedReference } from '../../vm/vm-image.ts';
import { PASSWORD_KEY } from '../../vm/commands/vm-input.ts';
import type { Vm } from '../../vm/vm.ts';

const MB = 2 ** 20;
const GB = 2 ** 30;

/** The catalog's entry that the VM was ordered as, when it is still offered. */
export interface SpecSource {
  readonly vm: Vm;
  readonly distribution: Distribution;
  readonly secrets: readonly { readonly key: string; readonly value: string }[];
  /** Makes the spec's hash useless for guessing secrets; the same for the VM's whole life. */
  readonly salt: string;
  readonly policy: MachinePolicy;
  /** The address of the engine's host on which forwarded ports listen. */
  readonly bind: string;
}

/** What the operator decided for the machines of a region. */
export interface MachinePolicy {
  readonly egress: MachineSpec['egress'];
  /** The engine's default when absent. */
  readonly runtime?: string;
}

/** The machine that this VM should be; undefined when the catalog no longer has its image. */
export function toMachineSpec({ vm, distribution, secrets, salt, policy, bind }: SpecSource): MachineSpec | undefined {
  const offered = imageOf(distribution, vm.desktop);
  if (offered === undefined) return undefined;
  const kept = keptImage(vm);
  // The one that its image was taken for: an edited catalog makes no other machine of a VM that keeps its image.
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

/** The image's needs, then the user's secrets; the password also under the names that the image's own sign-in reads. */
function environmentOf({ env, passwordVariables }: Distribution, secrets: SpecSource['secrets']): Record<string, string> {
  const own = Object.fromEntries(secrets.map(({ key, value }) => [key, value]));
  const password = own[PASSWORD_KEY];
  const signIn = password === undefined ? {} : Object.fromEntries(passwordVariables.map((name) => [name, password]));
  return { ...env, ...signIn, ...own };
}

function securityOf({ capabilities, noNewPrivileges, seccomp, devices }: Distribution): MachineSpec['security'] {
  return { capabilities, noNewPrivileges, seccomp, devices };
}

/** The primary volume follows the VM's storage type; what else the image declares is data and stays. */
function volumesOf({ persistent, storageReady, storageGb }: Vm, { volumes }: Distribution): MachineVolume[] {
  return volumes.map(({ name, path }) => {
    const lifetime = name === 'primary' && !persistent ? 'until-stop' : 'until-delete';
    if (lifetime === 'until-stop') return { name, target: path, lifetime, mustExist: false };
    return { name, target: path, lifetime, mustExist: storageReady, ...(storageGb !== null && { sizeBytes: storageGb * GB }) };
  });
}
