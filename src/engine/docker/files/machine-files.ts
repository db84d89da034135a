import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import type { FileAccess, FileList, FileProblem, NewFile, OpenFile } from '../../files.ts';
import { LABEL } from '../../labels.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import type { ContainerDetails, Containers } from '../containers/containers.ts';
import type { HostCommands } from '../host/host-commands.ts';
import { commandLabels, type HostCommand } from '../host/host-container.ts';
import { expectList } from '../connection/expect-list.ts';
import type { VolumeInventory } from '../storage/volume-inventory.ts';
import { listCommand, readList } from './list-files.ts';
import { findMountedVolumes, partsBelow } from './machine-volumes.ts';
import { readPathKind } from './path-stat.ts';
import { removeUploadCommand, UPLOAD_PREFIX } from './remove-upload.ts';
import { openArchive } from './open-archive.ts';
import { FINISH_MILLISECONDS, finishCommand, putFile, readFinish } from './write-file.ts';

/** A file of many gigabytes over a slow line. */
const TRANSFER_MILLISECONDS = 6 * 3_600_000;
const REMOVE_MILLISECONDS = 60_000;

export interface FileTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly inventory: VolumeInventory;
  readonly host: HostCommands;
  readonly installationId: string;
}

type Outcome<T> = Promise<T | FileProblem>;

/**
 * Reads and writes files in machines' volumes, through temporary containers that share the volumes. Not through the
 * machine's own container: the engine would lock that as long as a transfer takes, and a stop would wait. In a
 * temporary container there is nothing else to be found, whatever a symbolic link in a volume says.
 */
export class MachineFiles implements FileAccess {
  readonly #tools: FileTools;
  readonly #removing = new Set<Promise<void>>();

  constructor(tools: FileTools) {
    this.#tools = tools;
  }

  async list(id: string, ref: string, directory: string, signal: AbortSignal): Outcome<FileList> {
    const found = await this.#find(id, ref, directory, signal);
    if (typeof found === 'string') return found;
    const volumes = found.volumes.map((volume) => ({ ...volume, writable: false }));
    return readList(await this.#tools.host.run({ ...listCommand(directory), volumes }, signal));
  }

  async read(id: string, ref: string, file: string, signal: AbortSignal): Outcome<OpenFile> {
    const found = await this.#find(id, ref, file, signal);
    if (typeof found === 'string') return found;
    const volumes = found.volumes.map((volume) => ({ ...volume, writable: false }));
    const command = { what: 'read a file', argv: ['none'] as const, isBare: true, volumes };
    const [container, remove] = await this.#create(id, command, signal);
    try {
      const problem = await this.#checkParts(container, found.parts.slice(0, -1), signal);
      const kind = problem ?? (await readPathKind(this.#tools.call, container, file, signal));
      if (kind === 'file' || kind === 'directory')
        return await openArchive(this.#tools.call, container, { file, kind, onClosed: remove }, signal);
      await remove();
      if (kind === undefined) return 'not-found';
      return kind === 'other' ? 'no-file' : kind;
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async write(id: string, ref: string, file: string, content: NewFile, signal: AbortSignal): Outcome<undefined> {
    const found = await this.#find(id, ref, file, signal);
    if (typeof found === 'string') return found;
    const parents = found.parts.slice(0, -1);
    const targets = new Set(found.volumes.map(({ target }) => target));
    // Moved within its volume: a copy would take its space twice.
    const directory = parents.findLast((part) => targets.has(part));
    if (directory === undefined) return 'no-file';
    const { bytes, makesParents = false } = content;
    const uploaded = `${UPLOAD_PREFIX}${randomUUID()}`;
    const volumes = found.volumes.map((volume) => ({ ...volume, writable: true }));
    const command = { ...finishCommand({ volume: directory, uploaded, file, bytes, makesParents }), volumes };
    const labels = { [LABEL.upload]: `${directory}/${uploaded}` };
    const [container, remove] = await this.#create(id, command, signal, labels);
    try {
      const problem = await this.#checkParts(container, parents, signal);
      if (problem !== undefined && !(problem === 'not-found' && makesParents)) return problem;
      const failure = await putFile(this.#tools.call, container, { directory, name: uploaded, ...content }, signal);
      // In any case, because what came in part is removed by it.
      const late = AbortSignal.timeout(FINISH_MILLISECONDS);
      await this.#tools.host.start(container, command, late);
      const outcome = readFinish(
        await this.#tools.call('finish a file', late, (abortSignal) => waitFor(container, abortSignal), {
          milliseconds: FINISH_MILLISECONDS,
        }),
      );
      signal.throwIfAborted();
      return failure ?? outcome;
    } finally {
      await remove();
    }
  }

  /** Removes what killed gateways have left that still holds the machine's volumes. */
  async removeOf(id: string, signal: AbortSignal): Promise<void> {
    const { docker, call, containers, installationId } = this.#tools;
    const label = [`${LABEL.installation}=${installationId}`, `${LABEL.files}=${id}`];
    const left = await call('list the containers', signal, async (abortSignal) =>
      expectList(await docker.listContainers({ all: true, filters: { label }, abortSignal })),
    );
    for (const { Id } of left) {
      const details = await containers.inspect(Id, signal);
      if (details !== undefined) await this.removeLeft(details, signal);
      await containers.remove(Id, signal);
    }
  }

  /** Removes the part of a file that an upload has left whose gateway was killed, before its container is removed. */
  async removeLeft(details: ContainerDetails, signal: AbortSignal): Promise<void> {
    const command = removeUploadCommand(details);
    if (command === undefined) return;
    // Without its machine, a volume of fixed size cannot be opened. The part stays then.
    await this.#tools.host.run(command, signal).catch(() => signal.throwIfAborted());
  }

  /** Waits until all temporary containers are removed, or cannot be. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#removing);
  }

  /** The machine's volumes, and the parts of the path within them. */
  async #find(id: string, ref: string, file: string, signal: AbortSignal) {
    const volumes = await findMountedVolumes(this.#tools, id, ref, signal);
    if (volumes === undefined) return 'not-running' as const;
    const parts = partsBelow(volumes, file);
    return parts === undefined ? ('not-found' as const) : { volumes, parts };
  }

  async #create(
    id: string,
    command: HostCommand,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<[container: Docker.Container, remove: () => Promise<void>]> {
    const { host, containers, installationId } = this.#tools;
    const name = `swiftor-files-${randomUUID()}`;
    const labels = { ...commandLabels(installationId, TRANSFER_MILLISECONDS), [LABEL.files]: id, ...more };
    let removing: Promise<void> | undefined;
    const remove = (): Promise<void> => {
      if (removing !== undefined) return removing;
      // A sweep, or the machine's own removal, removes what is left.
      removing = containers.remove(name, AbortSignal.timeout(REMOVE_MILLISECONDS)).catch(() => undefined);
      this.#removing.add(removing);
      void removing.finally(() => removing && this.#removing.delete(removing));
      return removing;
    };
    try {
      return [await host.create(command, labels, name, signal), remove];
    } catch (error) {
      await remove();
      throw error;
    }
  }

  /** Directories all the way down, and no link. */
  async #checkParts(
    container: Docker.Container,
    parts: readonly string[],
    signal: AbortSignal,
  ): Promise<'link' | 'not-found' | undefined> {
    for (const part of parts) {
      const kind = await readPathKind(this.#tools.call, container, part, signal);
      if (kind === 'link') return 'link';
      if (kind !== 'directory') return 'not-found';
    }
    return undefined;
  }
}

async function waitFor(container: Docker.Container, abortSignal: AbortSignal): Promise<number> {
  await container.wait({ condition: 'not-running', abortSignal });
  const { State } = (await container.inspect({ abortSignal })) as { State?: { ExitCode?: unknown } };
  if (typeof State?.ExitCode !== 'number') throw new TypeError('its answer shows no container that has run.');
  return State.ExitCode;
}
