import type Docker from 'dockerode';
import { Semaphore } from '../../../lib/semaphore.ts';
import type { DiskSpace } from '../../driver.ts';
import { EngineError } from '../../engine-error.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import type { HostCommands, HostOutput } from '../host/host-commands.ts';
import {
  attachCommand,
  detachCommand,
  deviceOf,
  diskCommand,
  LOST,
  measureCommand,
  NO_TOOL,
  removeCommand,
  type HostCommandIn,
  type ImageSpec,
} from './storage-commands.ts';
import { readDisk, readStorage, type StorageReadings } from './storage-readings.ts';

/** More commands on a host are only slower each. */
const AT_A_TIME = 4;

export interface ImageStorageTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly host: HostCommands;
  readonly installationId: string;
}

/**
 * The files of a fixed size that hold the data of volumes, on the engine's host: their size cannot be passed or escaped from inside,
 * unlike quotas of a file system, which a container's root may change for its own files.
 */
export class ImageStorage {
  readonly #tools: ImageStorageTools;
  /** Of many machines at once, none would be ready in time. */
  readonly #semaphore = new Semaphore(AT_A_TIME);
  /** Machines that had images when it was last measured, with their names: what a volume of the engine that was removed by hand leaves behind. */
  #measured: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(tools: ImageStorageTools) {
    this.#tools = tools;
  }

  /** What a volume of the engine must be made of to hold an image's data; the image has to be attached when it is mounted. */
  driverOptions(id: string, name: string): Readonly<Record<string, string>> {
    return { type: 'ext4', device: deviceOf(this.#tools.installationId, id, name), o: 'nosuid,nodev,discard' };
  }

  /** After it, each image exists and is where its volume looks for it. Rejects with DATA_LOST, and has made nothing, when one that must exist does not, or is damaged. */
  async attach(id: string, images: readonly ImageSpec[], signal: AbortSignal): Promise<void> {
    if (images.length === 0) return;
    const output = await this.#semaphore.run(() => this.#run(attachCommand(this.#tools.installationId, id, images), signal), signal);
    if (output.exitCode === LOST) throw lostIn(id, output.stdout);
    if (output.exitCode !== 0) throw failureOf(`The storage of machine ${id} could not be attached`, output);
  }

  /** After it, none of these images of the machine exists; `all`: nor any whose volume was removed by hand. */
  async remove(id: string, names: readonly string[], all: boolean, signal: AbortSignal): Promise<void> {
    const doomed = new Set([...names, ...((all && this.#measured.get(id)) || [])]);
    if (doomed.size === 0) return;
    const output = await this.#semaphore.run(() => this.#run(removeCommand(this.#tools.installationId, id, [...doomed]), signal), signal);
    if (output.exitCode !== 0) throw failureOf(`The storage of machine ${id} could not be removed`, output);
  }

  /** Bytes of each image, and of the plain volumes that the engine calls so. Detaches loop devices whose file is gone. */
  async measure(plain: readonly string[], signal: AbortSignal): Promise<StorageReadings> {
    const output = await this.#run(measureCommand(this.#tools.installationId, plain), signal);
    if (output.exitCode !== 0) throw failureOf('What volumes hold could not be measured', output);
    const readings = readStorage(output.stdout);
    const byMachine = Map.groupBy(readings.images, (image) => image.id);
    if (readings.looseDevices.length > 0) await this.#run(detachCommand(this.#tools.installationId), signal);
    this.#measured = new Map([...byMachine].map(([id, images]) => [id, images.map(({ name }) => name)]));
    return readings;
  }

  async diskSpace(signal: AbortSignal): Promise<DiskSpace | undefined> {
    const { exitCode, stdout } = await this.#run(diskCommand, signal);
    return exitCode === 0 ? readDisk(stdout) : undefined;
  }

  /** The directory is asked for each time: an engine may come back with another one. */
  async #run(command: HostCommandIn, signal: AbortSignal): Promise<HostOutput> {
    const { docker, call, host } = this.#tools;
    // Typed as if it took no options.
    const info: (options: { abortSignal: AbortSignal }) => Promise<{ DockerRootDir?: unknown }> = docker.info.bind(docker);
    const dataRoot = await call('describe itself', signal, async (abortSignal) => (await info({ abortSignal })).DockerRootDir);
    if (typeof dataRoot !== 'string') throw new EngineError('ENGINE_REFUSED', 'The engine does not say where it keeps its data.');
    return host.run(command(dataRoot), signal);
  }
}

function failureOf(what: string, { exitCode, stdout, stderr }: HostOutput): EngineError {
  const said = `${stdout}\n${stderr}`.trim().slice(-500);
  if (/no space left on device/i.test(said)) {
    return new EngineError('NO_SPACE', `The engine's disk is full. The operator has to free space on it: ${said}`);
  }
  const why = exitCode === NO_TOOL ? `on the engine's host, ${said}` : `exit code ${exitCode}: ${said}`;
  return new EngineError('ENGINE_REFUSED', `${what}: ${why}.`);
}

/** From what the attaching printed. */
function lostIn(id: string, output: string): EngineError {
  const lines = output.trim().split('\n');
  const missing = lines.filter((line) => line.startsWith('missing ')).map((line) => line.slice('missing '.length));
  if (missing.length > 0) return dataLost(id, missing);
  const damaged = lines.map((line) => `"${line.replace(/^damaged /, '')}"`).join(', ');
  const message = `The file of volume ${damaged} of machine ${id} is cut short, or holds no file system any more.`;
  return new EngineError('DATA_LOST', `${message} The operator can put a copy of it back.`);
}

/** What is said of a machine whose volumes of these names held data and are gone. */
export function dataLost(id: string, names: readonly string[]): EngineError {
  const list = names.map((name) => `"${name}"`).join(', ');
  return new EngineError('DATA_LOST', `The engine has no volume ${list} of machine ${id} any more, which held its data.`);
}
