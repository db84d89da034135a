import type { HostCommand } from '../host/host-container.ts';
import { readScript } from '../shell/read-script.ts';

/**
 * Runs the scripts of ../shell on the engine's host, for volumes of a hard size. Each is a file that holds a file system of that size,
 * under the engine's own data directory, on a loop device; sized-volumes.sh says how.
 *
 * The files are sparse: what they may hold in sum is the plan's affair, and nobody reserves a disk for the largest plan of each VM. That
 * the disk itself does not fill up is seen to at a start; see `DiskSpace`.
 */

/** Where the scripts find the engine's data directory, and put the links. */
const DATA = '/data';
const LINKS = '/dev/swiftor';

/** Exit codes of sized-volumes.sh that say more than "failed". */
export const LOST = 44;
export const NO_TOOL = 45;

export interface ImageSpec {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mustExist: boolean;
}

/** Where the engine finds the device of a volume, once it is attached. */
export function deviceOf(installationId: string, id: string, name: string): string {
  return `${LINKS}/${installationId}.${id}.${name}`;
}

const SIZED_VOLUMES = readScript('sized-volumes');
const ALL_VOLUMES = readScript('all-volumes');

/** Block size, blocks, free blocks, blocks that are free for anyone. */
const DISK = ['stat', '-f', '-c', '%S %b %f %a', DATA] as const;

/** A command on the engine's host, whose data directory is `dataRoot`. */
export type HostCommandIn = (dataRoot: string) => HostCommand;

const shell = (what: string, script: string, args: readonly string[]) => ({ what, argv: ['sh', '-c', script, 'sh', ...args] as const });

/** A large file system that grows is checked as a whole before. */
const LOOP_MILLISECONDS = 5 * 60_000;

/** Of loop devices, and of what gives them out. */
const DEVICE_RULES = ['b 7:* rwm', 'c 10:237 rwm'];

/** The engine's data directory without what is mounted in it: a copy of a mount would keep a volume busy. */
const dataBind = (source: string, writable: boolean) => ({ source, target: DATA, writable, shallow: true });

function withLoops(command: ReturnType<typeof shell>): HostCommandIn {
  return (dataRoot) => ({
    ...command,
    milliseconds: LOOP_MILLISECONDS,
    capabilities: ['DAC_OVERRIDE'],
    // No use of it is made; a network namespace of its own would cost a tenth of a second.
    network: 'host',
    binds: [dataBind(dataRoot, true), { source: '/dev', writable: true, shallow: true }],
    deviceRules: DEVICE_RULES,
  });
}

function reading(command: Pick<HostCommand, 'what' | 'argv'>): HostCommandIn {
  return (dataRoot) => ({ ...command, capabilities: ['DAC_READ_SEARCH'], network: 'host', binds: [dataBind(dataRoot, false)] });
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

/** `plain`: the engine's names of volumes that are directories of its own. */
export function measureCommand(installationId: string, plain: readonly string[]): HostCommandIn {
  const directories = plain.map((name) => `volumes/${name}/_data`);
  const command = reading(shell('measure its storage', ALL_VOLUMES, ['measure', installationId, ...directories]));
  return (dataRoot) => ({ ...command(dataRoot), maxOutputBytes: 2 ** 20 });
}

export const diskCommand: HostCommandIn = reading({ what: 'read how full its disk is', argv: DISK });
