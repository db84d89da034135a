import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { MachineSpec, MachineVolume, StorageEnforcement, VolumeLifetime } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import { volumeNameChoices } from '../containers/container-options.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { dataLost, type ImageStorage } from './image-storage.ts';
import { Semaphore } from '../../../lib/semaphore.ts';
import { KnownRefs } from '../observe/known-refs.ts';
import { expectList } from '../observe/expect-list.ts';
import { finishDespiteAbort } from '../connection/finish-despite-abort.ts';
import type { StorageProbe } from './storage-probe.ts';

/** What LABEL.store says of a volume whose data is in an image. */
const IMAGE = 'image';
const REMOVE_MILLISECONDS = 30_000;
const REMOVE_PAUSE_MILLISECONDS = 100;
/** Inspects at a time, of volumes that a list leaves out. */
const DOUBTS_AT_A_TIME = 8;

type VolumeLabels = Readonly<Record<string, string>>;

export interface OwnVolume {
  /** The machine's. */
  readonly id: string;
  /** In the spec: 'primary'. */
  readonly name: string;
  readonly engineName: string;
  readonly lifetime: string;
  /** Whether its data is in a file of a fixed size, and not in a directory of the engine's. */
  readonly isImage: boolean;
  readonly labels: VolumeLabels;
}

export type VolumesSpec = Pick<MachineSpec, 'id' | 'volumes' | 'labels'>;

export interface MadeVolumes {
  /** From the spec's names to the engine's. */
  readonly names: ReadonlyMap<string, string>;
  /** Of the lasting ones; undefined when there are none. */
  readonly enforcement: StorageEnforcement | undefined;
}

interface MachineVolumesTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly installationId: string;
  readonly images: ImageStorage;
  readonly probe: StorageProbe;
}

/** The volumes of this installation, told by their labels, never by their names. */
export class MachineVolumes {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #installationId: string;
  readonly #images: ImageStorage;
  readonly #probe: StorageProbe;
  readonly #known = new KnownRefs();
  readonly #doubts = new Semaphore(DOUBTS_AT_A_TIME);

  constructor({ docker, call, installationId, images, probe }: MachineVolumesTools) {
    this.#docker = docker;
    this.#call = call;
    this.#installationId = installationId;
    this.#images = images;
    this.#probe = probe;
  }

  /**
   * Of one machine, or of all, in the order of the engine's names. An engine can list less than there is, and answer 200: each volume that
   * was known and is not listed is inspected.
   */
  async list(signal: AbortSignal, id?: string): Promise<readonly OwnVolume[]> {
    const label = [`${LABEL.installation}=${this.#installationId}`, id === undefined ? LABEL.machine : `${LABEL.machine}=${id}`];
    const listed = await this.#call('list the volumes', signal, async (abortSignal) => {
      const { Volumes } = await this.#docker.listVolumes({ filters: { label }, abortSignal });
      return expectList(Volumes).map(({ Name, Labels }) => toOwnVolume(Name, Labels));
    });
    for (const volume of listed) this.note(volume.id, volume.engineName);
    const missing = this.#known.missingFrom(new Set(listed.map(({ engineName }) => engineName)), id);
    const unlisted = await Promise.all(missing.map((name) => this.#doubts.run(() => this.#findKnown(name, signal), signal)));
    const volumes = [...listed, ...unlisted.filter((one) => one !== undefined)];
    return volumes.toSorted((a, b) => (a.engineName < b.engineName ? -1 : 1));
  }

  /** Called with each volume of a machine that shows otherwise than in a list. */
  note(id: string, engineName: string): void {
    this.#known.note(id, engineName);
  }

  /**
   * After it, each volume of the spec exists and can be mounted. Rejects with DATA_LOST, and has made nothing, when one that must exist
   * does not.
   */
  async ensure(spec: VolumesSpec, signal: AbortSignal): Promise<MadeVolumes> {
    if (spec.volumes.length === 0) return { names: new Map(), enforcement: undefined };
    const found = new Map<string, OwnVolume>();
    for (const volume of await this.list(signal, spec.id)) if (!found.has(volume.name)) found.set(volume.name, volume);
    // An engine can list less than there is, and answer 200: nothing is lost on its list's word alone.
    for (const { name, mustExist } of spec.volumes) {
      const unlisted = mustExist && !found.has(name) ? await this.#findUnlisted(spec.id, name, signal) : undefined;
      if (unlisted) found.set(name, unlisted);
    }
    const missing = spec.volumes.filter(({ name }) => !found.has(name));
    const isOffered = missing.some(({ sizeBytes }) => sizeBytes !== undefined) && (await this.#probe.isPassed(signal));
    // One that was made plain stays so.
    const isImage = ({ name, sizeBytes }: MachineVolume) => found.get(name)?.isImage ?? (isOffered && sizeBytes !== undefined);

    const gone = missing.filter(({ mustExist }) => mustExist);
    const lost = gone.filter((volume) => !isImage(volume));
    if (lost.length > 0)
      throw dataLost(
        spec.id,
        lost.map(({ name }) => name),
      );
    const images = spec.volumes.filter(isImage).map(({ name, sizeBytes = 0, mustExist }) => ({ name, sizeBytes, mustExist }));
    const attach = () => this.#images.attach(spec.id, images, signal);
    // The volume first, for it is what a removal goes by. Where that is all that is gone, nothing is made before the data is found.
    if (gone.length > 0) await attach();
    const names = new Map([...found].map(([name, { engineName }]) => [name, engineName]));
    for (const volume of missing) names.set(volume.name, await this.#create(spec, volume, isImage(volume), signal));
    if (gone.length === 0) await attach();

    const lasting = spec.volumes.filter(({ lifetime }) => lifetime === 'until-delete');
    const enforcement = lasting.every(isImage) ? 'HARD' : 'MEASURED';
    return { names, enforcement: lasting.length === 0 ? undefined : enforcement };
  }

  /**
   * Of the volumes of these names, those that are not the machine's. The engine makes a plain volume of each name that is missing when a
   * container is created, and removes none that a container has.
   */
  async findForeign(id: string, engineNames: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const labels = await Promise.all(engineNames.map((engineName) => this.#findLabels(engineName, signal)));
    return engineNames.filter((_, at) => !this.#isOwn(id, labels[at]));
  }

  /** After it, there is none of these volumes that the engine made by itself: those have no labels. No container may have it. */
  async removeBlank(engineNames: readonly string[], signal: AbortSignal): Promise<void> {
    for (const engineName of engineNames) {
      const labels = await this.#findLabels(engineName, signal);
      if (labels !== undefined && Object.keys(labels).length === 0) await this.#remove(engineName, signal);
    }
  }

  /** After it, what the machine has can be mounted, as it is: before a container starts again that was made earlier. */
  async reattach(id: string, signal: AbortSignal): Promise<void> {
    const images = (await this.list(signal, id)).filter(({ isImage }) => isImage);
    await this.#images.attach(
      id,
      images.map(({ name }) => ({ name, sizeBytes: 0, mustExist: true })),
      signal,
    );
  }

  /** After it, the machine has no volume of these lifetimes. No container of it may exist. */
  async remove(id: string, lifetimes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void> {
    if (lifetimes.length === 0) return;
    const doomed = (await this.list(signal, id)).filter(({ lifetime }) => lifetimes.some((one) => one === lifetime));
    const images = doomed.filter(({ isImage }) => isImage).map(({ name }) => name);
    // Before the volumes, which tell of them.
    await this.#images.remove(id, images, lifetimes.includes('until-delete'), signal);
    await Promise.all(doomed.map(({ engineName }) => this.#remove(engineName, signal)));
  }

  async #create(spec: VolumesSpec, { name, lifetime }: MachineVolume, isImage: boolean, signal: AbortSignal): Promise<string> {
    const { id } = spec;
    for (const engineName of volumeNameChoices(id, name)) {
      const create = async (abortSignal: AbortSignal) => {
        const made: { readonly name?: unknown } = await this.#docker.createVolume({
          Name: engineName,
          Driver: 'local',
          ...(isImage && { DriverOpts: { ...this.#images.driverOptions(id, name) } }),
          Labels: {
            ...spec.labels,
            [LABEL.installation]: this.#installationId,
            [LABEL.machine]: id,
            [LABEL.volume]: name,
            [LABEL.lifetime]: lifetime,
            ...(isImage && { [LABEL.store]: IMAGE }),
          },
          abortSignal,
        });
        if (made.name !== engineName) throw new TypeError('its answer describes no volume.');
        return this.#docker.getVolume(engineName).inspect({ abortSignal });
      };
      const holder = await finishDespiteAbort(signal, (late) => this.#call(`create the volume "${engineName}"`, late, create));
      // The engine answers a taken name with the volume that has it, whoever's it is.
      if (!this.#isOwn(id, holder.Labels)) continue;
      this.note(id, engineName);
      return engineName;
    }
    throw new EngineError('ENGINE_REFUSED', `Each name for the volume "${name}" of machine ${id} is taken by a foreign volume.`);
  }

  #isOwn(id: string, labels: VolumeLabels | null | undefined): boolean {
    return labels?.[LABEL.installation] === this.#installationId && labels[LABEL.machine] === id;
  }

  /** The entry that a list left out; undefined when it was right. */
  async #findKnown(engineName: string, signal: AbortSignal): Promise<OwnVolume | undefined> {
    const labels = await this.#findLabels(engineName, signal);
    if (labels?.[LABEL.installation] === this.#installationId && labels[LABEL.machine] !== undefined)
      return toOwnVolume(engineName, labels);
    this.#known.forget(engineName);
    return undefined;
  }

  /** The machine's volume by the names that it may have; undefined when it has none. */
  async #findUnlisted(id: string, name: string, signal: AbortSignal): Promise<OwnVolume | undefined> {
    for (const engineName of volumeNameChoices(id, name)) {
      const labels = await this.#findLabels(engineName, signal);
      if (labels === undefined) return undefined;
      if (this.#isOwn(id, labels) && labels[LABEL.volume] === name) return toOwnVolume(engineName, labels);
    }
    return undefined;
  }

  /** Of a volume, anyone's; undefined when there is none. */
  async #findLabels(engineName: string, signal: AbortSignal): Promise<VolumeLabels | undefined> {
    const inspect = (abortSignal: AbortSignal) => this.#docker.getVolume(engineName).inspect({ abortSignal });
    try {
      const { Labels } = await this.#call(`look at the volume "${engineName}"`, signal, inspect);
      return Labels ?? {};
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  #remove(engineName: string, signal: AbortSignal): Promise<void> {
    const work = async (abortSignal: AbortSignal) => {
      for (;;) {
        try {
          await this.#docker.getVolume(engineName).remove({ abortSignal });
          this.#known.forget(engineName);
          return;
        } catch (error) {
          if (statusOf(error) === 404) return;
          // In use, for a moment, by a container whose removal was just answered.
          if (statusOf(error) !== 409 || abortSignal.aborted) throw error;
          await sleep(REMOVE_PAUSE_MILLISECONDS, undefined, { signal: abortSignal });
        }
      }
    };
    return this.#call(`remove the volume "${engineName}"`, signal, work, { milliseconds: REMOVE_MILLISECONDS });
  }
}

function toOwnVolume(engineName: string, labels: VolumeLabels): OwnVolume {
  return {
    id: labels[LABEL.machine] ?? '',
    name: labels[LABEL.volume] ?? '',
    engineName,
    lifetime: labels[LABEL.lifetime] ?? '',
    isImage: labels[LABEL.store] === IMAGE,
    labels,
  };
}
