import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { DeadlineError, withDeadline } from '../../../lib/with-deadline.ts';
import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL, PROBE_VOLUME } from '../../labels.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectList } from '../observe/expect-list.ts';
import type { HostCommands } from '../host/host-commands.ts';
import { commandLabels, type HostCommand } from '../host/host-container.ts';
import type { ImageStorage } from './image-storage.ts';

const PROBE_MILLISECONDS = 60_000;
/** A probe with all of its cleaning up has ended then. */
const OVERDUE_MILLISECONDS = 3 * 60_000;
const PROBE_BYTES = 16 * 2 ** 20;
const NAME_PREFIX = 'swiftor-trial-';
const MOUNT: HostCommand = { what: 'mount a probe of storage', argv: ['true'] };

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

/** Whether an engine's host can hold volumes in images: tried with a small one when it is first asked, then known. */
export class StorageProbe {
  readonly #tools: StorageProbeTools;
  #outcome: Promise<boolean> | undefined;

  constructor(tools: StorageProbeTools) {
    this.#tools = tools;
  }

  /** Those that are under way, or were left behind. */
  list(signal: AbortSignal): Promise<readonly FoundProbe[]> {
    const { docker, call, installationId } = this.#tools;
    const label = [`${LABEL.installation}=${installationId}`, `${LABEL.volume}=${PROBE_VOLUME}`];
    return call('list the probes of storage', signal, async (abortSignal) => {
      const { Volumes } = await docker.listVolumes({ filters: { label }, abortSignal });
      const found: readonly { readonly Name: string; readonly CreatedAt?: string }[] = expectList(Volumes);
      return found.flatMap(({ Name, CreatedAt = '' }) =>
        Name.startsWith(NAME_PREFIX) ? [{ id: Name.slice(NAME_PREFIX.length), createdAt: Date.parse(CreatedAt) }] : [],
      );
    });
  }

  /** Removes what is left of the probe, unless it may be under way still. `now` is by the engine's clock. */
  async sweep({ id, createdAt }: FoundProbe, now: number, signal: AbortSignal): Promise<void> {
    if (now - createdAt > OVERDUE_MILLISECONDS) await this.#cleanUp(id, signal);
  }

  /** Resolves once a probe that is under way has left nothing behind, or cannot clean up. */
  async close(): Promise<void> {
    await this.#outcome?.catch(() => undefined);
  }

  /** Rejects when the engine cannot be asked; the next call tries again then. */
  async isPassed(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      // Whoever asks first tries, and sees it through to its last trace; the others wait for what comes of it.
      if (this.#outcome === undefined) return this.#begin(signal);
      const outcome = this.#outcome;
      try {
        return await withDeadline(PROBE_MILLISECONDS, signal, () => outcome);
      } catch (error) {
        // Who tried gave up, for a reason of its own.
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
      // The volume first: it is what is found and removed when this is cut short.
      await this.#createVolume(id, signal);
      await images.attach(id, [{ name: PROBE_VOLUME, sizeBytes: PROBE_BYTES, mustExist: false }], signal);
      await this.#mount(id, signal);
      log.info('volumes have a hard size on this engine');
      return true;
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'ENGINE_REFUSED')) throw error;
      log.warn({ err: error }, 'volumes are only measured on this engine: its host cannot give them a hard size');
      return false;
    } finally {
      await this.#cleanUp(id, AbortSignal.timeout(PROBE_MILLISECONDS));
    }
  }

  async #createVolume(id: string, signal: AbortSignal): Promise<void> {
    const { docker, call, images, installationId } = this.#tools;
    const Name = volumeName(id);
    // No machine's: what a gateway leaves behind that dies here is swept.
    const Labels = {
      [LABEL.installation]: installationId,
      [LABEL.volume]: PROBE_VOLUME,
      [LABEL.lifetime]: 'until-delete',
      [LABEL.store]: 'image',
    };
    const DriverOpts = { ...images.driverOptions(id, PROBE_VOLUME) };
    await call('create a volume', signal, (abortSignal) => docker.createVolume({ Name, Driver: 'local', DriverOpts, Labels, abortSignal }));
  }

  /** Has the engine mount it as for a machine. */
  async #mount(id: string, signal: AbortSignal): Promise<void> {
    const { containers, host, installationId } = this.#tools;
    const Name = volumeName(id);
    const labels = commandLabels(installationId, PROBE_MILLISECONDS);
    try {
      const container = await host.create(MOUNT, labels, Name, signal, { Binds: [`${Name}:/mnt`] });
      await host.start(container, MOUNT, signal);
    } finally {
      // By its name, and also when the caller gave up: it may have been made just then, and it holds the volume.
      await containers.remove(Name, AbortSignal.timeout(PROBE_MILLISECONDS));
    }
  }

  /** The volume last, for it is what the rest is found by. */
  async #cleanUp(id: string, signal: AbortSignal): Promise<void> {
    const { docker, call, images, log } = this.#tools;
    try {
      await images.remove(id, [PROBE_VOLUME], false, signal).catch((error: unknown) => {
        // Where the host can do nothing, there is no image either.
        if (!(error instanceof EngineError && error.code === 'ENGINE_REFUSED')) throw error;
      });
      const volume = docker.getVolume(volumeName(id));
      await call('remove a volume', signal, (abortSignal) => volume.remove({ abortSignal }));
    } catch (error) {
      log.debug({ err: error }, 'a probe of storage left something behind, which is swept later');
    }
  }
}

function volumeName(id: string): string {
  return `${NAME_PREFIX}${id}`;
}
