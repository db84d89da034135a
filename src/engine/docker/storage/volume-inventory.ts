import type Docker from 'dockerode';
import { Semaphore } from '../../../lib/concurrency/semaphore.ts';
import { LABEL } from '../../labels.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { volumeNameChoices } from '../containers/machine-names.ts';
import { expectList } from '../connection/expect-list.ts';
import { KnownRefs } from '../containers/known-refs.ts';

/** The value of LABEL.store for volumes whose data is in an image file. */
export const IMAGE_STORE = 'image';
/** Concurrent inspects of volumes that a list lacks. */
const DOUBTS_AT_A_TIME = 8;

type VolumeLabels = Readonly<Record<string, string>>;

export interface OwnVolume {
  /** Id of the machine. */
  readonly id: string;
  /** Name in the spec: 'primary'. */
  readonly name: string;
  readonly engineName: string;
  readonly lifetime: string;
  /** True if its data is in a file of fixed size, not in a directory of the engine. */
  readonly isImage: boolean;
  readonly labels: VolumeLabels;
}

interface InventoryTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly installationId: string;
}

/** Finds the volumes of this installation, by their labels, never by their names. */
export class VolumeInventory {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #installationId: string;
  readonly #known = new KnownRefs();
  readonly #doubts = new Semaphore(DOUBTS_AT_A_TIME);

  constructor({ docker, call, installationId }: InventoryTools) {
    this.#docker = docker;
    this.#call = call;
    this.#installationId = installationId;
  }

  /**
   * Lists the volumes of one machine, or of all, sorted by their engine names. An engine can answer 200 and list fewer
   * volumes than it has, so each known volume that is not listed is inspected.
   */
  async list(signal: AbortSignal, id?: string): Promise<readonly OwnVolume[]> {
    const label = [
      `${LABEL.installation}=${this.#installationId}`,
      id === undefined ? LABEL.machine : `${LABEL.machine}=${id}`,
    ];
    const listed = await this.#call('list the volumes', signal, async (abortSignal) => {
      const { Volumes } = await this.#docker.listVolumes({ filters: { label }, abortSignal });
      return expectList(Volumes).map(({ Name, Labels }) => toOwnVolume(Name, Labels));
    });
    for (const volume of listed) this.note(volume.id, volume.engineName);
    const missing = this.#known.missingFrom(new Set(listed.map(({ engineName }) => engineName)), id);
    const unlisted = await Promise.all(
      missing.map((name) => this.#doubts.run(() => this.#findKnown(name, signal), signal)),
    );
    const volumes = [...listed, ...unlisted.filter((one) => one !== undefined)];
    return volumes.toSorted((a, b) => (a.engineName < b.engineName ? -1 : 1));
  }

  /** Records a volume of a machine that was found by other means than a list. */
  note(id: string, engineName: string): void {
    this.#known.note(id, engineName);
  }

  /** Forgets a volume that was removed. */
  forget(engineName: string): void {
    this.#known.forget(engineName);
  }

  /**
   * Filters the names of volumes that do not belong to the machine. On container creation, the engine makes a plain
   * volume for each missing name. It never removes a volume that a container uses.
   */
  async findForeign(id: string, engineNames: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const labels = await Promise.all(engineNames.map((engineName) => this.findLabels(engineName, signal)));
    return engineNames.filter((_, at) => !this.isOwn(id, labels[at]));
  }

  /** Whether a volume with these labels belongs to the machine. */
  isOwn(id: string, labels: VolumeLabels | null | undefined): boolean {
    return labels?.[LABEL.installation] === this.#installationId && labels[LABEL.machine] === id;
  }

  /** Looks the machine's volume up by its possible names; undefined if there is none. */
  async findUnlisted(id: string, name: string, signal: AbortSignal): Promise<OwnVolume | undefined> {
    for (const engineName of volumeNameChoices(id, name)) {
      const labels = await this.findLabels(engineName, signal);
      if (labels === undefined) return undefined;
      if (this.isOwn(id, labels) && labels[LABEL.volume] === name) return toOwnVolume(engineName, labels);
    }
    return undefined;
  }

  /** The labels of any volume, including foreign ones; undefined if there is none. */
  async findLabels(engineName: string, signal: AbortSignal): Promise<VolumeLabels | undefined> {
    const inspect = (abortSignal: AbortSignal) => this.#docker.getVolume(engineName).inspect({ abortSignal });
    try {
      const { Labels } = await this.#call(`look at the volume "${engineName}"`, signal, inspect);
      return Labels ?? {};
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** The entry that a list lacks; undefined if the volume really is gone. */
  async #findKnown(engineName: string, signal: AbortSignal): Promise<OwnVolume | undefined> {
    const labels = await this.findLabels(engineName, signal);
    if (labels?.[LABEL.installation] === this.#installationId && labels[LABEL.machine] !== undefined)
      return toOwnVolume(engineName, labels);
    this.#known.forget(engineName);
    return undefined;
  }
}

function toOwnVolume(engineName: string, labels: VolumeLabels): OwnVolume {
  return {
    id: labels[LABEL.machine] ?? '',
    name: labels[LABEL.volume] ?? '',
    engineName,
    lifetime: labels[LABEL.lifetime] ?? '',
    isImage: labels[LABEL.store] === IMAGE_STORE,
    labels,
  };
}
