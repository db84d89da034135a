import { createHash } from 'node:crypto';
import type { MachineSpec } from './machine.ts';

/**
 * The label vocabulary. A container or volume is ours when LABEL.installation holds our installation's id;
 * nothing else is ever touched.
 */
export const LABEL = {
  installation: 'io.swiftor.installation',
  machine: 'io.swiftor.vm',
  /** What was ordered, as it was when the container or volume was made: for an operator whose database has forgotten it. */
  user: 'io.swiftor.user',
  vmlabel: 'io.swiftor.vmlabel',
  region: 'io.swiftor.region',
  distribution: 'io.swiftor.distribution',
  desktop: 'io.swiftor.desktop',
  cpu: 'io.swiftor.cpu',
  ram: 'io.swiftor.ram-gb',
  hash: 'io.swiftor.spec-hash',
  /** Of the image that the container was made from: its reference, its registry's digest, and what it stands in for. */
  image: 'io.swiftor.image',
  imageDigest: 'io.swiftor.image-digest',
  standInFor: 'io.swiftor.stand-in-for',
  volume: 'io.swiftor.volume',
  lifetime: 'io.swiftor.volume-lifetime',
  /** 'image' on a volume whose data is in a file of a fixed size; a plain volume of the engine has none. */
  store: 'io.swiftor.volume-store',
  /** Of a container that runs one command on the engine's host: for how many seconds it may run. */
  command: 'io.swiftor.host-command',
  /** Of the container that keeps an engine's firewall rules up, which all installations share: which rules those are. */
  guard: 'io.swiftor.guard',
} as const;

/** What the volume of a trial of storage is called: no VM has one of that name. */
export const PROBE_VOLUME = 'trial';

/**
 * Hash of what a container is made from; two specs with the same hash need no new container. Env is in it only as
 * a digest with the rest, so a label never shows a secret (an attacker who guesses a value cannot confirm it without
 * all the others). `salt` is per VM and secret; `incarnation` changes with each restart that a user asks for.
 */
export function specHash(spec: Omit<MachineSpec, 'hash'>, salt: string, incarnation: number): string {
  const volumes = spec.volumes.map(({ name, target, lifetime }) => [name, target, lifetime]);
  const env = Object.entries(spec.env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { imageRef, command, cpu, memoryBytes, pidsLimit, shmBytes, stopGraceSeconds, security, egress, runtime } = spec;
  const ports = spec.ports.map(({ protocol, internalPort, publicPort, bind }) => [protocol, internalPort, publicPort, bind]);
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
  // Ports only where there are any: a machine without is the one that it was before there were ports.
  const all = ports.length > 0 ? [...parts, ports] : parts;
  return createHash('sha256').update(salt).update(JSON.stringify(all)).digest('hex').slice(0, 16);
}
