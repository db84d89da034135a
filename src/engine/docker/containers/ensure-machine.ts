import type { Log } from '../../../log.ts';
import type { EnsureProgress } from '../../driver.ts';
import type { MachineImage, MachineSpec, Observation } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import { bringUp } from './bring-up.ts';
import type { Containers } from './containers.ts';
import { createContainer } from './create-container.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { isNetworkGone } from '../isolation/is-network-gone.ts';
import type { MachineIsolation } from '../isolation/machine-isolation.ts';
import type { MachineNetwork } from '../isolation/network.ts';
import { observeInspected } from '../observe/observe-container.ts';
import { findPresentImage, pullOrAwaitBuild, renewImage, type ImageTools } from '../images/pull-or-await-build.ts';
import { recoverImage } from '../images/recover-image.ts';
import { StaleContainerError, retryWhileStale } from './stale-container-error.ts';
import type { MachineVolumes } from '../storage/volumes.ts';

/** As the engine calls the states in which there is nothing to start. */
const LIVE: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);

export interface EnsureTools extends ImageTools {
  readonly containers: Containers;
  readonly volumes: MachineVolumes;
  readonly networks: Readonly<Record<MachineSpec['egress'], MachineNetwork>>;
  readonly isolation: MachineIsolation;
  readonly installationId: string;
  readonly log: Log;
}

/**
 * One call of `ensure`; see the contract. With its image kept and no volumes it takes four calls: list, create, start,
 * inspect; and before the first start one for each network.
 */
export class EnsureMachine {
  readonly #tools: EnsureTools;
  readonly #spec: MachineSpec;
  readonly #signal: AbortSignal;
  readonly #onProgress: (progress: EnsureProgress) => void;
  readonly #keep: string | undefined;
  /** The one to create from, once it took a while to get it. */
  #image: MachineImage | undefined;

  constructor(tools: EnsureTools, spec: MachineSpec, signal: AbortSignal, onProgress: (progress: EnsureProgress) => void, keep?: string) {
    this.#tools = tools;
    this.#spec = spec;
    this.#signal = signal;
    this.#onProgress = onProgress;
    this.#keep = keep;
  }

  run(): Promise<Observation> {
    return retryWhileStale(this.#signal, () => this.#attempt());
  }

  async #attempt(): Promise<Observation> {
    const { containers, installationId, isolation } = this.#tools;
    // Beside all that comes before the start, which alone waits for it.
    const isolated = isolation.require(this.#signal);
    isolated.catch(() => undefined);
    const all = await containers.list(this.#signal, this.#spec.id);
    const broken = all.filter(({ State }) => State === 'dead' || State === 'removing');
    const [fit, ...copies] = all.filter((one) => one.Labels?.[LABEL.hash] === this.#spec.hash && !broken.includes(one));
    const others = all.filter((one) => one !== fit && !copies.includes(one) && !broken.includes(one));
    const kept = others.filter((one) => one.Labels?.[LABEL.hash] === this.#keep);
    // First, for they may hold the name.
    await containers.retire(broken, this.#signal);
    // Made before the others are stopped: what can fail or take long does so while they still run.
    const ref = fit?.Id ?? (await this.#create());
    if (fit === undefined || fit.State === 'created') await this.#checkVolumes(ref);
    if (fit?.State !== 'running') await isolated;
    const surplus = [...others.filter((one) => !kept.includes(one)), ...copies];
    await Promise.all([...kept.map(({ Id }) => containers.stop(Id, this.#signal)), containers.retire(surplus, this.#signal)]);
    await this.#bringUp(ref, fit?.State ?? 'created', fit !== undefined);
    // A gateway that lost its lease in the middle of a `revert` may have started it again since.
    await Promise.all(kept.map(({ Id }) => containers.stop(Id, this.#signal)));
    const details = await containers.inspect(ref, this.#signal);
    const observation = details && observeInspected(details, installationId);
    if (!observation) throw new StaleContainerError(`The container of machine ${this.#spec.id} was removed as soon as it was started.`);
    return observation;
  }

  async #bringUp(ref: string, state: string, isOld: boolean): Promise<void> {
    if (isOld && !LIVE.has(state)) {
      // Since it was made, the engine's host may have been started anew, and what it mounts may be somewhere else.
      await this.#ensureVolumes();
      // The new container of a call says so when its image is there; here an old one starts again.
      this.#onProgress({ phase: 'starting' });
    }
    try {
      await bringUp(this.#tools, { id: this.#spec.id, ref, state }, this.#signal);
    } catch (error) {
      if (statusOf(error) === undefined || LIVE.has(state) || error instanceof StaleContainerError) throw error;
      const details = await this.#tools.containers.inspect(ref, this.#signal);
      const cause = await this.#unlessNetworkIsGone(error, details?.HostConfig?.NetworkMode);
      // An engine that did not answer well has said nothing of this container: the next call starts it. One whose network is gone never
      // starts: it names that by its id, and another has another id.
      if (cause !== error || (error instanceof EngineError && error.isRefusal)) await this.#discard(ref);
      throw cause;
    }
  }

  /** After it, the volumes can be mounted; their names. */
  async #ensureVolumes(): Promise<ReadonlyMap<string, string>> {
    const { names, enforcement } = await this.#tools.volumes.ensure(this.#spec, this.#signal);
    if (enforcement !== undefined) this.#onProgress({ phase: 'storage', enforcement });
    return names;
  }

  /** A volume that was removed just before the creation is now a plain one, and blank: with that, the container is never started. */
  async #checkVolumes(ref: string): Promise<void> {
    const { containers, volumes, log } = this.#tools;
    const targets = new Set(this.#spec.volumes.map(({ target }) => target));
    if (targets.size === 0) return;
    const mounts = (await containers.inspect(ref, this.#signal))?.Mounts ?? [];
    const names = mounts.flatMap(({ Type, Name, Destination = '' }) =>
      Type === 'volume' && Name && targets.has(Destination) ? [Name] : [],
    );
    const foreign = await volumes.findForeign(this.#spec.id, names, this.#signal);
    if (foreign.length === 0) return;
    log.error({ machine: this.#spec.id, ref, volumes: foreign }, 'a volume was removed while its container was made, which is not started');
    await containers.remove(ref, this.#signal);
    await volumes.removeBlank(foreign, this.#signal);
    // The next attempt finds the data where it still is, or that it is lost.
    throw new StaleContainerError(`A volume of machine ${this.#spec.id} was removed before its start.`);
  }

  /** Makes the container; its engine id. */
  async #create(): Promise<string> {
    const { networks } = this.#tools;
    const storage = {
      installationId: this.#tools.installationId,
      volumeNames: await this.#ensureVolumes(),
      networkId: await networks[this.#spec.egress].ensureId(this.#signal),
    };
    const image = this.#image ?? (await this.#findImage());
    if (image === undefined) throw await this.#obtain('Its image was not there.');
    try {
      const ref = await createContainer(this.#tools, this.#spec, { ...storage, image }, this.#signal);
      this.#onProgress({ phase: 'starting' });
      return ref;
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'IMAGE_NOT_FOUND')) {
        throw await this.#unlessNetworkIsGone(error, storage.networkId);
      }
      throw await this.#obtain(`Image "${image.reference}" was removed as soon as it was there.`, error);
    }
  }

  /** The image to create from, where that is known at once. */
  async #findImage(): Promise<MachineImage | undefined> {
    const { keptImage, renewImage: isRenewed, imageRef } = this.#spec;
    if (keptImage !== undefined || isRenewed === true) return keptImage;
    return findPresentImage(this.#tools, imageRef, this.#signal);
  }

  /** Gets the image to create from. The container is not created here: meanwhile, minutes may have passed. */
  async #obtain(message: string, cause?: unknown): Promise<StaleContainerError> {
    const { keptImage, renewImage: isRenewed } = this.#spec;
    if (keptImage !== undefined) this.#image = await recoverImage(this.#tools, keptImage, this.#signal, this.#onProgress);
    else this.#image = await (isRenewed === true ? renewImage : pullOrAwaitBuild)(this.#tools, this.#spec, this.#signal, this.#onProgress);
    return new StaleContainerError(message, { cause });
  }

  /** The error itself, unless the next attempt will make the network anew. */
  async #unlessNetworkIsGone(error: unknown, networkId: string | undefined): Promise<unknown> {
    if (!(await isNetworkGone(this.#tools, error, networkId, this.#signal))) return error;
    this.#tools.networks[this.#spec.egress].forget();
    return new StaleContainerError('The network of the machines was removed before a start.', { cause: error });
  }

  /** Removes what did not start. That it failed to start is what the caller must hear, whatever comes of this. */
  async #discard(ref: string): Promise<void> {
    try {
      await this.#tools.containers.remove(ref, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#tools.log.warn({ err: error, machine: this.#spec.id, ref }, 'a container that did not start could not be removed');
    }
  }
}
