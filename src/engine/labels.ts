import { createHash } from 'node:crypto';
import type { MachineSpec } from './machine.ts';

/**
 * All label names. A container or volume belongs to this installation if LABEL.installation has its id. The gateway
 * changes no others.
 */
export const LABEL = {
  installation: 'io.swiftor.installation',
  machine: 'io.swiftor.vm',
  /** The order at creation time, for operators whose database no longer has the VM. */
  user: 'io.swiftor.user',
  vmlabel: 'io.swiftor.vmlabel',
  region: 'io.swiftor.region',
  distribution: 'io.swiftor.distribution',
  desktop: 'io.swiftor.desktop',
  cpu: 'io.swiftor.cpu',
  ram: 'io.swiftor.ram-gb',
  hash: 'io.swiftor.spec-hash',
  /** The container's image: its reference, its digest in the registry, and the reference that it stands in for. */
  image: 'io.swiftor.image',
  imageDigest: 'io.swiftor.image-digest',
  standInFor: 'io.swiftor.stand-in-for',
  volume: 'io.swiftor.volume',
  lifetime: 'io.swiftor.volume-lifetime',
  /** 'image' on a volume whose data is in a file of fixed size. Absent on plain volumes. */
  store: 'io.swiftor.volume-store',
  /** On a container that runs one command on the engine's host: its time limit in seconds. */
  command: 'io.swiftor.host-command',
  /** On a container through which a machine's files are read or written: the machine's id. */
  files: 'io.swiftor.files-of',
  /** On a container by which a file is uploaded: where the file is until it is whole. */
  upload: 'io.swiftor.upload',
  /** On a seat in a swarm and its container: the machine's id. */
  seat: 'io.swiftor.seat',
  /** On the seat of a machine whose lasting data is on the node that it is pinned to. */
  seatData: 'io.swiftor.seat-data',
  /** On the agent's container of a node: the hash of what it was created from. */
  agent: 'io.swiftor.agent',
  /** On the container that keeps a node's agent running; deploy/swiftor.yml sets it. */
  keeper: 'io.swiftor.keeper',
  /** On the watchdog's container, which all installations share: the version and hash of its firewall rules. */
  watchdog: 'io.swiftor.guard',
} as const;

/** The volume name of a storage probe. No VM has a volume of this name. */
export const PROBE_VOLUME = 'trial';

/**
 * Hash of everything that a container is created from. Specs with the same hash need no new container. The hash can be
 * a label because it reveals no secret: to confirm a guessed environment value, an attacker would need all other values
 * and the salt. `salt` is a secret of the VM; `incarnation` changes with each restart that a user requests.
 */
export function specHash(spec: Omit<MachineSpec, 'hash'>, salt: string, incarnation: number): string {
  const volumes = spec.volumes.map(({ name, target, lifetime }) => [name, target, lifetime]);
  const env = Object.entries(spec.env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { imageRef, command, cpu, memoryBytes, pidsLimit, shmBytes, stopGraceSeconds, security, egress, runtime } =
    spec;
  const ports = spec.ports.map(({ protocol, internalPort, publicPort, bind }) => [
    protocol,
    internalPort,
    publicPort,
    bind,
  ]);
  const parts = [
    imageRef,
    command,
    env,
    volumes,
    cpu,
    memoryBytes,
    pidsLimit,
    shmBytes,
    stopGraceSeconds,
    security,
    egress,
    runtime,
    incarnation,
  ];
  // Machines without ports keep the hash from before ports existed.
  const all = ports.length > 0 ? [...parts, ports] : parts;
  return createHash('sha256').update(salt).update(JSON.stringify(all)).digest('hex').slice(0, 16);
}
