import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { MachineSpec, MachineVolume, StorageEnforcement, VolumeLifetime } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import { volumeNameChoices } from '../containers/machine-names.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { dataLost, type ImageStorage } from './image-storage.ts';
import { finishDespiteAbort } from '../connection/finish-despite-abort.ts';
import type { StorageProbe } from './storage-probe.ts';
import { IMAGE_STORE, type OwnVolume, type VolumeInventory } from './volume-inventory.ts';

const REMOVE_MILLISECONDS = 30_000;
const REMOVE_PAUSE_MILLISECONDS = 100;

export type VolumesSpec = Pick<MachineSpec, 'id' | 'volumes' | 'labels'>;

export interface MadeVolumes {
  /** Engine names by the spec's names. */
  readonly names: ReadonlyMap<string, string>;
  /** Applies to the lasting volumes; undefined if there are none. */
  readonly enforcement: StorageEnforcement | undefined;
}

interface MachineVolumesTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly installationId: string;
  readonly inventory: VolumeInventory;
  readonly images: ImageStorage;
  readonly probe: StorageProbe;
}

/** Creates, attaches and removes the volumes of machines. */
export class MachineVolumes {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #installationId: string;
  readonly #inventory: VolumeInventory;
  readonly #images: ImageStorage;
  readonly #probe: StorageProbe;

  constructor({ docker, call, installationId, inventory, images, probe }: MachineVolumesTools) {
    this.#docker = docker;
    this.#call = call;
    this.#installationId = installationId;
    this.#inventory = inventory;
    this.#images = images;
    this.#probe = probe;
  }

  /**
   * Ensures that each volume of the spec exists and can be mounted. Rejects with DATA_LOST and creates nothing if a
   * volume with `mustExist` is missing.
   */
  async ensure(spec: VolumesSpec, signal: AbortSignal): Promise<MadeVolumes> {
    if (spec.volumes.length === 0) return { names: new Map(), enforcement: undefined };
    const found = new Map<string, OwnVolume>();
    for (const volume of await this.#inventory.list(signal, spec.id))
      if (!found.has(volume.name)) found.set(volume.name, volume);
    // A list can be incomplete: before data counts as lost, the volume is looked up by name.
    for (const { name, mustExist } of spec.volumes) {
      const unlisted =
        mustExist && !found.has(name) ? await this.#inventory.findUnlisted(spec.id, name, signal) : undefined;
      if (unlisted) found.set(name, unlisted);
    }
    const missing = spec.volumes.filter(({ name }) => !found.has(name));
    const isOffered = missing.some(({ sizeBytes }) => sizeBytes !== undefined) && (await this.#probe.isPassed(signal));
    // Existing plain volumes stay plain.
    const isImage = ({ name, sizeBytes }: MachineVolume) =>
      found.get(name)?.isImage ?? (isOffered && sizeBytes !== undefined);

    const gone = missing.filter(({ mustExist }) => mustExist);
    const lost = gone.filter((volume) => !isImage(volume));
    if (lost.length > 0)
      throw dataLost(
        spec.id,
        lost.map(({ name }) => name),
      );
    const images = spec.volumes
      .filter(isImage)
      .map(({ name, sizeBytes = 0, mustExist }) => ({ name, sizeBytes, mustExist }));
    const attach = () => this.#images.attach(spec.id, images, signal);
    // The volume first, because removal finds the data by it. But if only the volume is gone, find its data first.
    if (gone.length > 0) await attach();
    const names = new Map([...found].map(([name, { engineName }]) => [name, engineName]));
    for (const volume of missing) names.set(volume.name, await this.#create(spec, volume, isImage(volume), signal));
    if (gone.length === 0) await attach();

    const lasting = spec.volumes.filter(({ lifetime }) => lifetime === 'until-delete');
    const enforcement = lasting.every(isImage) ? 'HARD' : 'MEASURED';
    return { names, enforcement: lasting.length === 0 ? undefined : enforcement };
  }

  /** Removes volumes that the engine created implicitly, which have no labels. No container may use them. */
  async removeBlank(engineNames: readonly string[], signal: AbortSignal): Promise<void> {
    for (const engineName of engineNames) {
      const labels = await this.#inventory.findLabels(engineName, signal);
      if (labels !== undefined && Object.keys(labels).length === 0) await this.#remove(engineName, signal);
    }
  }

  /** Makes the machine's existing volumes mountable, without other changes. Called before an old container starts. */
  async reattach(id: string, signal: AbortSignal): Promise<void> {
    const images = (await this.#inventory.list(signal, id)).filter(({ isImage }) => isImage);
    await this.#images.attach(
      id,
      images.map(({ name }) => ({ name, sizeBytes: 0, mustExist: true })),
      signal,
    );
  }

  /** Removes the machine's volumes with these lifetimes. The machine must have no container. */
  async remove(id: string, lifetimes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void> {
    if (lifetimes.length === 0) return;
    const doomed = (await this.#inventory.list(signal, id)).filter(({ lifetime }) =>
      lifetimes.some((one) => one === lifetime),
    );
    const images = doomed.filter(({ isImage }) => isImage).map(({ name }) => name);
    // Before the volumes, because the images are found by them.
    await this.#images.remove(id, images, lifetimes.includes('until-delete'), signal);
    await Promise.all(doomed.map(({ engineName }) => this.#remove(engineName, signal)));
  }

  async #create(
    spec: VolumesSpec,
    { name, lifetime }: MachineVolume,
    isImage: boolean,
    signal: AbortSignal,
  ): Promise<string> {
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
            ...(isImage && { [LABEL.store]: IMAGE_STORE }),
          },
          abortSignal,
        });
        if (made.name !== engineName) throw new TypeError('its answer describes no volume.');
        return this.#docker.getVolume(engineName).inspect({ abortSignal });
      };
      const holder = await finishDespiteAbort(signal, (late) =>
        this.#call(`create the volume "${engineName}"`, late, create),
      );
      // For a taken name, the engine returns the existing volume, even a foreign one.
      if (!this.#inventory.isOwn(id, holder.Labels)) continue;
      this.#inventory.note(id, engineName);
      return engineName;
    }
    throw new EngineError(
      'ENGINE_REFUSED',
      `Foreign volumes have taken every possible name for the volume "${name}" of machine ${id}.`,
    );
  }

  #remove(engineName: string, signal: AbortSignal): Promise<void> {
    const work = async (abortSignal: AbortSignal) => {
      for (;;) {
        try {
          await this.#docker.getVolume(engineName).remove({ abortSignal });
          this.#inventory.forget(engineName);
          return;
        } catch (error) {
          if (statusOf(error) === 404) return;
          // A container that was just removed may still use it for a moment.
          if (statusOf(error) !== 409 || abortSignal.aborted) throw error;
          await sleep(REMOVE_PAUSE_MILLISECONDS, undefined, { signal: abortSignal });
        }
      }
    };
    return this.#call(`remove the volume "${engineName}"`, signal, work, { milliseconds: REMOVE_MILLISECONDS });
  }
}
