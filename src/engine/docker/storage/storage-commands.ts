import type { HostCommand } from '../host/host-container.ts';
import { readScript } from '../shell/read-script.ts';

/**
 * Host commands for volumes with a hard size limit. Each volume is a file with a file system, in the engine's data
 * directory, attached to a loop device; see sized-volumes.sh.
 *
 * The files are sparse, so volumes may overcommit the disk. A start checks that the disk has space; see `DiskSpace`.
 */

/** Paths in the container: the engine's data directory, and the links to loop devices. */
const DATA = '/data';
const LINKS = '/dev/swiftor';

/** Exit codes of sized-volumes.sh. */
export const LOST = 44;
export const NO_TOOL = 45;

export interface ImageSpec {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mustExist: boolean;
}

/** The path of an attached volume's device on the engine's host. */
export function deviceOf(installationId: string, id: string, name: string): string {
  return `${LINKS}/${installationId}.${id}.${name}`;
}

const SIZED_VOLUMES = readScript('sized-volumes');
const ALL_VOLUMES = readScript('all-volumes');

/** Block size, blocks, free blocks, blocks available to unprivileged users, inodes, free inodes. */
const DISK = ['stat', '-f', '-c', '%S %b %f %a %c %d', DATA] as const;

/** Makes the command for an engine with the data directory `dataRoot`. */
export type HostCommandIn = (dataRoot: string) => HostCommand;

const shell = (what: string, script: string, args: readonly string[]) => ({
  what,
  argv: ['sh', '-c', script, 'sh', ...args] as const,
});

/** Before a large file system grows, it is fully checked. */
const LOOP_MILLISECONDS = 5 * 60_000;

/** Access to loop devices and to /dev/loop-control. */
const DEVICE_RULES = ['b 7:* rwm', 'c 10:237 rwm'];

/** Binds the engine's data directory without its submounts: a copied mount would keep a volume busy. */
const dataBind = (source: string, writable: boolean) => ({ source, target: DATA, writable, shallow: true });

function withLoops(command: ReturnType<typeof shell>): HostCommandIn {
  return (dataRoot) => ({
    ...command,
    milliseconds: LOOP_MILLISECONDS,
    capabilities: ['DAC_OVERRIDE'],
    // Unused. A separate network namespace would cost 0.1 s.
    network: 'host',
    binds: [dataBind(dataRoot, true), { source: '/dev', writable: true, shallow: true }],
    deviceRules: DEVICE_RULES,
  });
}

function reading(command: Pick<HostCommand, 'what' | 'argv'>): HostCommandIn {
  return (dataRoot) => ({
    ...command,
    capabilities: ['DAC_READ_SEARCH'],
    network: 'host',
    binds: [dataBind(dataRoot, false)],
  });
}

export function attachCommand(installationId: string, id: string, images: readonly ImageSpec[]): HostCommandIn {
  const args = images.flatMap(({ name, sizeBytes, mustExist }) => [name, String(sizeBytes), mustExist ? 'yes' : 'no']);
  return withLoops(shell('attach the storage of a machine', SIZED_VOLUMES, ['attach', installationId, id, ...args]));
}

export function removeCommand(installationId: string, id: string, names: readonly string[]): HostCommandIn {
  return withLoops(shell('remove the storage of a machine', SIZED_VOLUMES, ['remove', installationId, id, ...names]));
}

export function detachCommand(installationId: string): HostCommandIn {
  return withLoops(shell('detach storage whose file is gone', ALL_VOLUMES, ['detach', installationId]));
}

/**
 * A directory of the engine: the data of a plain volume by its engine name, or a container's writable layer by its id.
 */
export interface MeasuredDirectory {
  readonly kind: 'volume' | 'layer';
  readonly name: string;
}

const MEASURE_SECONDS = 90;

/** Directories that `seconds` do not suffice for are reported as cut short. */
export function measureCommand(
  installationId: string,
  directories: readonly MeasuredDirectory[],
  seconds = MEASURE_SECONDS,
): HostCommandIn {
  const args = directories.flatMap(({ kind, name }) => [kind, name]);
  const command = reading(
    shell('measure its storage', ALL_VOLUMES, ['measure', installationId, String(seconds), ...args]),
  );
  return (dataRoot) => ({ ...command(dataRoot), maxOutputBytes: 2 ** 20, milliseconds: (seconds + 20) * 1000 });
}

export const diskCommand: HostCommandIn = reading({ what: 'report its disk space', argv: DISK });
