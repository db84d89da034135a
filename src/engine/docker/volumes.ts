import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { MachineSpec, MachineVolume, VolumeLifetime } from '../driver.ts';
import { EngineError } from '../engine-error.ts';
import { LABEL } from '../labels.ts';
import { volumeNameChoices } from './container-options.ts';
import type { EngineCall } from './engine-call.ts';
import { statusOf } from './engine-failure.ts';
import { listIn } from './list-in.ts';
import { seeThrough } from './see-through.ts';

const REMOVE_MILLISECONDS = 30_000;
const REMOVE_PAUSE_MILLISECONDS = 100;

export interface OwnVolume {
  /** The machine's. */
  readonly id: string;
  /** In the spec: 'primary'. */
  readonly name: string;
  readonly engineName: string;
  readonly lifetime: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type VolumesSpec = Pick<MachineSpec, 'id' | 'volumes' | 'labels'>;

/** The volumes of this installation, told by their labels, never by their names. */
export class MachineVolumes {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #installationId: string;

  constructor(docker: Docker, call: EngineCall, installationId: string) {
    this.#docker = docker;
    this.#call = call;
    this.#installationId = installationId;
  }

  /** Of one machine, or of all, in the order of the engine's names. */
  list(signal: AbortSignal, id?: string): Promise<readonly OwnVolume[]> {
    const label = [`${LABEL.installation}=${this.#installationId}`, id === undefined ? LABEL.machine : `${LABEL.machine}=${id}`];
    return this.#call('list the volumes', signal, async (abortSignal) => {
      const { Volumes } = await this.#docker.listVolumes({ filters: { label }, abortSignal });
      const volumes = listIn(Volumes).map((volume): OwnVolume => ({
        id: volume.Labels[LABEL.machine] ?? '',
        name: volume.Labels[LABEL.volume] ?? '',
        engineName: volume.Name,
        lifetime: volume.Labels[LABEL.lifetime] ?? '',
        labels: volume.Labels,
      }));
      return volumes.toSorted((a, b) => (a.engineName < b.engineName ? -1 : 1));
    });
  }

  /**
   * After it, each volume of the spec exists; from the spec's names to the engine's. Rejects with DATA_LOST, and has made
   * nothing, when one that must exist does not.
   */
  async ensure(spec: VolumesSpec, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (spec.volumes.length === 0) return new Map();
    const names = new Map<string, string>();
    for (const { name, engineName } of await this.list(signal, spec.id)) {
      if (!names.has(name)) names.set(name, engineName);
    }
    const missing = spec.volumes.filter(({ name }) => !names.has(name));
    const lost = missing.filter(({ mustExist }) => mustExist).map(({ name }) => `"${name}"`);
    if (lost.length > 0) {
      const message = `The engine has no volume ${lost.join(', ')} of machine ${spec.id} any more, which held its data.`;
      throw new EngineError('DATA_LOST', message);
    }
    for (const volume of missing) names.set(volume.name, await this.#create(spec, volume, signal));
    return names;
  }

  /** After it, the machine has no volume of these lifetimes. No container of it may exist. */
  async remove(id: string, lifetimes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void> {
    if (lifetimes.length === 0) return;
    const doomed = (await this.list(signal, id)).filter(({ lifetime }) => lifetimes.some((one) => one === lifetime));
    await Promise.all(doomed.map(({ engineName }) => this.#remove(engineName, signal)));
  }

  async #create(spec: VolumesSpec, { name, lifetime }: MachineVolume, signal: AbortSignal): Promise<string> {
    const { id } = spec;
    for (const engineName of volumeNameChoices(id, name)) {
      const create = async (abortSignal: AbortSignal) => {
        await this.#docker.createVolume({
          Name: engineName,
          Driver: 'local',
          Labels: {
            ...spec.labels,
            [LABEL.installation]: this.#installationId,
            [LABEL.machine]: id,
            [LABEL.volume]: name,
            [LABEL.lifetime]: lifetime,
          },
          abortSignal,
        });
        return this.#docker.getVolume(engineName).inspect({ abortSignal });
      };
      const holder = await seeThrough(signal, (late) => this.#call(`create the volume "${engineName}"`, late, create));
      // The engine answers a taken name with the volume that has it, whoever's it is.
      const labels = holder.Labels ?? {};
      if (labels[LABEL.installation] === this.#installationId && labels[LABEL.machine] === id) return engineName;
    }
    throw new EngineError('ENGINE_REFUSED', `Each name for the volume "${name}" of machine ${id} is taken by a foreign volume.`);
  }

  #remove(engineName: string, signal: AbortSignal): Promise<void> {
    const work = async (abortSignal: AbortSignal) => {
      for (;;) {
        try {
          await this.#docker.getVolume(engineName).remove({ abortSignal });
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
