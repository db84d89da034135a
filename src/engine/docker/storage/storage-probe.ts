import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { DeadlineError, withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL, PROBE_VOLUME } from '../../labels.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectList } from '../connection/expect-list.ts';
import type { HostCommands } from '../host/host-commands.ts';
import { commandLabels, type HostCommand } from '../host/host-container.ts';
import type { ImageStorage } from './image-storage.ts';

const PROBE_MILLISECONDS = 60_000;
/** Longer than any probe takes, including its cleanup. */
const OVERDUE_MILLISECONDS = 3 * 60_000;
const PROBE_BYTES = 16 * 2 ** 20;
const NAME_PREFIX = 'swiftor-trial-';
const MOUNT: HostCommand = { what: 'mount the volume of a storage probe', argv: ['true'] };

export interface FoundProbe {
  readonly id: string;
  /** By the engine's clock, in ms since the epoch. */
  readonly createdAt: number;
}

export interface StorageProbeTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly host: HostCommands;
  readonly images: ImageStorage;
  readonly installationId: string;
  readonly log: Log;
}

/** Tests once, with a small volume, whether the engine's host supports volumes in image files. Remembers the result. */
export class StorageProbe {
  readonly #tools: StorageProbeTools;
  #outcome: Promise<boolean> | undefined;

  constructor(tools: StorageProbeTools) {
    this.#tools = tools;
  }

  /** Running probes, and leftovers of aborted ones. */
  list(signal: AbortSignal): Promise<readonly FoundProbe[]> {
    const { docker, call, installationId } = this.#tools;
    const label = [`${LABEL.installation}=${installationId}`, `${LABEL.volume}=${PROBE_VOLUME}`];
    return call('list the storage probes', signal, async (abortSignal) => {
      const { Volumes } = await docker.listVolumes({ filters: { label }, abortSignal });
      const found: readonly { readonly Name: string; readonly CreatedAt?: string }[] = expectList(Volumes);
      return found.flatMap(({ Name, CreatedAt = '' }) =>
        Name.startsWith(NAME_PREFIX) ? [{ id: Name.slice(NAME_PREFIX.length), createdAt: Date.parse(CreatedAt) }] : [],
      );
    });
  }

  /** Removes the probe's leftovers, unless it may still run. `now` is the engine's time. */
  async sweep({ id, createdAt }: FoundProbe, now: number, signal: AbortSignal): Promise<void> {
    if (now - createdAt > OVERDUE_MILLISECONDS) await this.#cleanUp(id, signal);
  }

  /** Resolves once a running probe has cleaned up, or failed to. */
  async close(): Promise<void> {
    await this.#outcome?.catch(() => undefined);
  }

  /** Rejects if the engine does not answer. The next call then tries again. */
  async isPassed(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      // The first caller runs the probe, including its cleanup. Other callers wait for the result.
      if (this.#outcome === undefined) return this.#begin(signal);
      const outcome = this.#outcome;
      try {
        return await withDeadline(PROBE_MILLISECONDS, signal, () => outcome);
      } catch (error) {
        // Otherwise, only the first caller aborted: try again.
        if (signal.aborted || error instanceof EngineError || error instanceof DeadlineError) throw error;
      }
    }
  }

  #begin(signal: AbortSignal): Promise<boolean> {
    const outcome = this.#try(signal);
    this.#outcome = outcome;
    outcome.catch(() => {
      this.#outcome = undefined;
    });
    return outcome;
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const { images, log } = this.#tools;
    const id = randomUUID();
    try {
      // The volume first: a sweep finds an interrupted probe by it.
      await this.#createVolume(id, signal);
      await images.attach(id, [{ name: PROBE_VOLUME, sizeBytes: PROBE_BYTES, mustExist: false }], signal);
      await this.#mount(id, signal);
      log.info('volumes on this engine get hard size limits');
      return true;
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'ENGINE_REFUSED')) throw error;
      log.warn({ err: error }, 'volumes on this engine are only measured: its host does not support hard size limits');
      return false;
    } finally {
      await this.#cleanUp(id, AbortSignal.timeout(PROBE_MILLISECONDS));
    }
  }

  async #createVolume(id: string, signal: AbortSignal): Promise<void> {
    const { docker, call, images, installationId } = this.#tools;
    const Name = volumeName(id);
    // Without a machine label. If the gateway dies here, a sweep removes the volume.
    const Labels = {
      [LABEL.installation]: installationId,
      [LABEL.volume]: PROBE_VOLUME,
      [LABEL.lifetime]: 'until-delete',
      [LABEL.store]: 'image',
    };
    const DriverOpts = { ...images.driverOptions(id, PROBE_VOLUME) };
    await call('create a volume', signal, (abortSignal) =>
      docker.createVolume({ Name, Driver: 'local', DriverOpts, Labels, abortSignal }),
    );
  }

  /** Has the engine mount the volume as it does for a machine. */
  async #mount(id: string, signal: AbortSignal): Promise<void> {
    const { containers, host, installationId } = this.#tools;
    const Name = volumeName(id);
    const labels = commandLabels(installationId, PROBE_MILLISECONDS);
    try {
      const container = await host.create(MOUNT, labels, Name, signal, { Binds: [`${Name}:/mnt`] });
      await host.start(container, MOUNT, signal);
    } finally {
      // By name and despite an abort: the engine may have created it anyway, and it keeps the volume in use.
      await containers.remove(Name, AbortSignal.timeout(PROBE_MILLISECONDS));
    }
  }

  /** Removes the volume last, because a sweep finds the rest by it. */
  async #cleanUp(id: string, signal: AbortSignal): Promise<void> {
    const { docker, call, images, log } = this.#tools;
    try {
      await images.remove(id, [PROBE_VOLUME], false, signal).catch((error: unknown) => {
        // A host that cannot run the command has no image, either.
        if (!(error instanceof EngineError && error.code === 'ENGINE_REFUSED')) throw error;
      });
      const volume = docker.getVolume(volumeName(id));
      await call('remove a volume', signal, (abortSignal) => volume.remove({ abortSignal }));
    } catch (error) {
      log.debug({ err: error }, 'a storage probe failed to clean up; the next sweep removes its leftovers');
    }
  }
}

function volumeName(id: string): string {
  return `${NAME_PREFIX}${id}`;
}
