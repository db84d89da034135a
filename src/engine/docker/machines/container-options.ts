import type Docker from 'dockerode';
import type { MachineImage, MachinePort, MachineSpec } from '../../machine.ts';
import { LABEL } from '../../labels.ts';

const CPU_PERIOD_MICROSECONDS = 100_000;
/** The kernel's minimum. */
const MIN_CPU_QUOTA_MICROSECONDS = 1_000;
/** CPU shares per core. The kernel accepts 2 to 262144. */
const CPU_SHARES = 1024;
/** Open files per process. Enough for a desktop and its browser; the engine's default can be a million. */
const MAX_OPEN_FILES = 16_384;
/** If the host runs out of memory, the kernel kills VMs before the host's own processes. */
const OOM_SCORE = 500;
/**
 * Name server of machines without egress. Left to itself, the engine forwards their queries to the host's name servers
 * from the host's own network, which no rule for the machines' bridges sees. Given name servers are asked from the
 * container's network, where nothing listens at this address.
 */
const NO_NAME_SERVER = '127.0.0.1';

export interface ContainerPlace {
  readonly name: string;
  readonly image: MachineImage;
  readonly installationId: string;
  readonly networkId: string;
  /** Engine volume names by the spec's volume names. */
  readonly volumeNames: ReadonlyMap<string, string>;
}

/** The options to create the container with. Throws a TypeError if a volume of the spec has no engine volume. */
export function containerOptions(spec: MachineSpec, place: ContainerPlace): Docker.ContainerCreateOptions {
  const mounts = spec.volumes.map(({ name, target }) => {
    const source = place.volumeNames.get(name);
    if (source === undefined) throw new TypeError(`No volume was made for "${name}" of machine ${spec.id}.`);
    return { Type: 'volume' as const, Source: source, Target: target };
  });
  // The client's type lacks CgroupnsMode.
  const hostConfig: Docker.HostConfig & { readonly CgroupnsMode: 'private' } = {
    NetworkMode: place.networkId,
    ...(spec.egress === 'none' && { Dns: [NO_NAME_SERVER] }),
    Mounts: mounts,
    ...(spec.ports.length > 0 && {
      PortBindings: Object.fromEntries(spec.ports.map((port) => [innerPort(port), [outerPort(port)]])),
    }),
    Memory: spec.memoryBytes,
    // Equal to Memory: no swap on top.
    MemorySwap: spec.memoryBytes,
    // Not NanoCpus, which refuses more cores than the host has.
    CpuPeriod: CPU_PERIOD_MICROSECONDS,
    CpuQuota: Math.max(MIN_CPU_QUOTA_MICROSECONDS, Math.round(spec.cpu * CPU_PERIOD_MICROSECONDS)),
    // Under contention, machines share the CPU in proportion to their orders.
    CpuShares: Math.min(262_144, Math.max(2, Math.round(spec.cpu * CPU_SHARES))),
    // No nproc ulimit: the kernel counts it per user, across all machines.
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
    // The reconciler restarts containers with its own backoff. A policy here would interfere.
    RestartPolicy: { Name: 'no' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    ...(spec.runtime !== undefined && { Runtime: spec.runtime }),
  };
  return {
    name: place.name,
    // By id, because the reference may now point to another image.
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
