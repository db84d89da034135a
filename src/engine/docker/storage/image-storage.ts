import type Docker from 'dockerode';
import { Semaphore } from '../../../lib/concurrency/semaphore.ts';
import type { DiskSpace } from '../../engine-reports.ts';
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
  type MeasuredDirectory,
} from './storage-commands.ts';
import { readDisk, readStorage, type StorageReadings } from './storage-readings.ts';

/** More concurrent commands only slow each other down. */
const AT_A_TIME = 4;

export interface ImageStorageTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly host: HostCommands;
  readonly installationId: string;
}

/**
 * Image files of fixed size on the engine's host, which hold the data of volumes. A container cannot exceed or change
 * their size, unlike file system quotas, which root in the container can change for its own files.
 */
export class ImageStorage {
  readonly #tools: ImageStorageTools;
  /** Without it, many machines that start at once would all miss their deadlines. */
  readonly #semaphore = new Semaphore(AT_A_TIME);
  /** Image names by machine at the last measurement. Finds images whose engine volume was removed by hand. */
  #measured: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(tools: ImageStorageTools) {
    this.#tools = tools;
  }

  /** The driver options of an engine volume with its data in an image, which must be attached before the mount. */
  driverOptions(id: string, name: string): Readonly<Record<string, string>> {
    return { type: 'ext4', device: deviceOf(this.#tools.installationId, id, name), o: 'nosuid,nodev,discard' };
  }

  /**
   * Creates missing images and attaches each one to the device that its volume names. Rejects with DATA_LOST and
   * creates nothing if an image with `mustExist` is missing or damaged.
   */
  async attach(id: string, images: readonly ImageSpec[], signal: AbortSignal): Promise<void> {
    if (images.length === 0) return;
    const output = await this.#semaphore.run(
      () => this.#run(attachCommand(this.#tools.installationId, id, images), signal),
      signal,
    );
    if (output.exitCode === LOST) throw lostIn(id, output.stdout);
    if (output.exitCode !== 0) throw failureOf(`The storage of machine ${id} could not be attached`, output);
  }

  /** Removes these images of the machine. With `all`, also those whose volume was removed by hand. */
  async remove(id: string, names: readonly string[], all: boolean, signal: AbortSignal): Promise<void> {
    const doomed = new Set([...names, ...((all && this.#measured.get(id)) || [])]);
    if (doomed.size === 0) return;
    const output = await this.#semaphore.run(
      () => this.#run(removeCommand(this.#tools.installationId, id, [...doomed]), signal),
      signal,
    );
    if (output.exitCode !== 0) throw failureOf(`The storage of machine ${id} could not be removed`, output);
  }

  /** Measures all images, and these directories. Detaches loop devices whose file is gone. */
  async measure(directories: readonly MeasuredDirectory[], signal: AbortSignal): Promise<StorageReadings> {
    const output = await this.#run(measureCommand(this.#tools.installationId, directories), signal);
    if (output.exitCode !== 0) throw failureOf('The disk usage of machines could not be measured', output);
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

  /** Asks for the data directory each time, because it may differ after an engine restart. */
  async #run(command: HostCommandIn, signal: AbortSignal): Promise<HostOutput> {
    const { docker, call, host } = this.#tools;
    // The type lacks the options.
    const info: (options: { abortSignal: AbortSignal }) => Promise<{ DockerRootDir?: unknown }> =
      docker.info.bind(docker);
    const dataRoot = await call(
      'report its system information',
      signal,
      async (abortSignal) => (await info({ abortSignal })).DockerRootDir,
    );
    if (typeof dataRoot !== 'string')
      throw new EngineError('ENGINE_REFUSED', 'The engine does not report its data directory.');
    return host.run(command(dataRoot), signal);
  }
}

function failureOf(what: string, { exitCode, stdout, stderr }: HostOutput): EngineError {
  const text = `${stdout}\n${stderr}`.trim().slice(-500);
  if (/no space left on device/i.test(text)) {
    return new EngineError('NO_SPACE', `The engine's disk is full. The operator has to free space on it: ${text}`);
  }
  const why = exitCode === NO_TOOL ? `on the engine's host, ${text}` : `exit code ${exitCode}: ${text}`;
  return new EngineError('ENGINE_REFUSED', `${what}: ${why}.`);
}

/** Parses the output of the attach command. */
function lostIn(id: string, output: string): EngineError {
  const lines = output.trim().split('\n');
  const missing = lines.filter((line) => line.startsWith('missing ')).map((line) => line.slice('missing '.length));
  if (missing.length > 0) return dataLost(id, missing);
  const damaged = lines.map((line) => `"${line.replace(/^damaged /, '')}"`).join(', ');
  const message = `The file of volume ${damaged} of machine ${id} is truncated or has no valid file system.`;
  return new EngineError('DATA_LOST', `${message} The operator can restore a copy.`);
}

/** The error for missing volumes that held data. */
export function dataLost(id: string, names: readonly string[]): EngineError {
  const list = names.map((name) => `"${name}"`).join(', ');
  return new EngineError('DATA_LOST', `The engine no longer has volume ${list} with the data of machine ${id}.`);
}
