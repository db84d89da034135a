import type Docker from 'dockerode';
import type { MachineImage, MachinePort, MachineSpec } from '../../machine.ts';
import { LABEL } from '../../labels.ts';

const CPU_PERIOD_MICROSECONDS = 100_000;
/** The kernel refuses less. */
const MIN_CPU_QUOTA_MICROSECONDS = 1_000;
/** Of one core, as the kernel counts; it takes 2 to 262144. */
const CPU_SHARES = 1024;
/** Open files of a process. Enough for a desktop and its browser; the engine's own default can be a million. */
const MAX_OPEN_FILES = 16_384;
/** When the host runs out of memory a VM goes before anything of the host's own. */
const OOM_SCORE = 500;

export interface ContainerPlace {
  readonly name: string;
  readonly image: MachineImage;
  readonly installationId: string;
  readonly networkId: string;
  /** From the spec's volume names to the engine's. */
  readonly volumeNames: ReadonlyMap<string, string>;
}

/** What a container is created from. Throws a TypeError when a volume of the spec has no place. */
export function containerOptions(spec: MachineSpec, place: ContainerPlace): Docker.ContainerCreateOptions {
  const mounts = spec.volumes.map(({ name, target }) => {
    const source = place.volumeNames.get(name);
    if (source === undefined) throw new TypeError(`No volume was made for "${name}" of machine ${spec.id}.`);
    return { Type: 'volume' as const, Source: source, Target: target };
  });
  // The client's types do not know all of it.
  const hostConfig: Docker.HostConfig & { readonly CgroupnsMode: 'private' } = {
    NetworkMode: place.networkId,
    Mounts: mounts,
    ...(spec.ports.length > 0 && { PortBindings: Object.fromEntries(spec.ports.map((port) => [innerPort(port), [outerPort(port)]])) }),
    Memory: spec.memoryBytes,
    // Equal to Memory: no swap on top.
    MemorySwap: spec.memoryBytes,
    // Not NanoCpus, which refuses more cores than the host has.
    CpuPeriod: CPU_PERIOD_MICROSECONDS,
    CpuQuota: Math.max(MIN_CPU_QUOTA_MICROSECONDS, Math.round(spec.cpu * CPU_PERIOD_MICROSECONDS)),
    // Where all want more than there is, each gets by what it was ordered with.
    CpuShares: Math.min(262_144, Math.max(2, Math.round(spec.cpu * CPU_SHARES))),
    // Not the kernel's count of processes per user besides: that one is of all machines together.
    PidsLimit: spec.pidsLimit,
    Ulimits: [
      { Name: 'nofile', Soft: MAX_OPEN_FILES, Hard: MAX_OPEN_FILES },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    OomScoreAdj: OOM_SCORE,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    ShmSize: spec.shmBytes,
    CapDrop: ['ALL'],
    CapAdd: [...spec.security.capabilities],
    SecurityOpt: [
      ...(spec.security.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(spec.security.seccomp === 'unconfined' ? ['seccomp=unconfined'] : []),
    ],
    ...devicesOf(spec),
    // The reconciler restarts, with its own backoff; two of them would fight.
    RestartPolicy: { Name: 'no' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    ...(spec.runtime !== undefined && { Runtime: spec.runtime }),
  };
  return {
    name: place.name,
    // Not by its reference, which may stand for another image by now.
    Image: place.image.id,
    ...(spec.command && { Cmd: [...spec.command] }),
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    Labels: {
      ...spec.labels,
      [LABEL.installation]: place.installationId,
      [LABEL.machine]: spec.id,
      [LABEL.hash]: spec.hash,
      ...imageLabels(place.image),
    },
    StopTimeout: spec.stopGraceSeconds,
    ...(spec.ports.length > 0 && { ExposedPorts: Object.fromEntries(spec.ports.map((port) => [innerPort(port), {}])) }),
    Tty: false,
    HostConfig: hostConfig,
  };
}

function imageLabels({ reference, digest, standInFor }: MachineImage): Record<string, string> {
  return {
    [LABEL.image]: reference,
    ...(digest !== undefined && { [LABEL.imageDigest]: digest }),
    ...(standInFor !== undefined && { [LABEL.standInFor]: standInFor }),
  };
}

function innerPort({ internalPort, protocol }: MachinePort): string {
  return `${internalPort}/${protocol}`;
}

function outerPort({ bind, publicPort }: MachinePort): { HostIp: string; HostPort: string } {
  return { HostIp: bind, HostPort: String(publicPort) };
}

function devicesOf({ security: { devices } }: MachineSpec): Pick<Docker.HostConfig, 'Devices'> {
  if (devices.length === 0) return {};
  return { Devices: devices.map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' })) };
}

/** The names that a machine's container may have: the first that nothing foreign holds is taken. */
export function containerNames(spec: Pick<MachineSpec, 'id' | 'hash'>): readonly string[] {
  return nameChoices(`${namePrefix(spec.id)}${spec.hash}`);
}

/** Whether a container of that name is the machine's, unless somebody gave a foreign one such a name. */
export function isContainerNameOf(id: string, name: string): boolean {
  return name.startsWith(namePrefix(id));
}

function namePrefix(id: string): string {
  return `swiftor-${id}-`;
}

/** The names that a machine's volume may have, likewise. */
export function volumeNameChoices(id: string, volume: string): readonly string[] {
  return nameChoices(`${namePrefix(id)}${volume}`);
}

/** Numbered, not random, so that two calls at once come to the same name and one of them sees the other's work. */
function nameChoices(name: string): readonly string[] {
  return [name, ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => `${name}-${number}`)];
}
