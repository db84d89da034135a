import type { Log } from '../../../log.ts';
import type { EnsureProgress } from '../../driver.ts';
import type { MachineImage, MachineSpec, Observation } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import { bringUp } from './bring-up.ts';
import { checkVolumes } from './check-volumes.ts';
import type { Containers } from '../containers/containers.ts';
import { createContainer } from './create-container.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { isNetworkGone } from '../isolation/is-network-gone.ts';
import type { MachineIsolation } from '../isolation/machine-isolation.ts';
import type { MachineNetwork } from '../isolation/network.ts';
import { observeInspected } from '../containers/observe-container.ts';
import { findPresentImage, pullOrAwaitBuild, renewImage, type ImageTools } from '../images/pull-or-await-build.ts';
import { recoverImage } from '../images/recover-image.ts';
import { StaleContainerError, retryWhileStale } from './stale-container-error.ts';
import type { VolumeInventory } from '../storage/volume-inventory.ts';
import type { MachineVolumes } from '../storage/volumes.ts';

/** The engine's names of the states that need no start. */
const LIVE: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);

export interface EnsureTools extends ImageTools {
  readonly containers: Containers;
  readonly inventory: VolumeInventory;
  readonly volumes: MachineVolumes;
  readonly networks: Readonly<Record<MachineSpec['egress'], MachineNetwork>>;
  readonly isolation: MachineIsolation;
  readonly installationId: string;
  readonly log: Log;
}

/**
 * One call of `EngineDriver.ensure`. With a kept image and no volumes it takes four engine calls: list, create, start,
 * inspect. The first start adds one call per network.
 */
export class EnsureMachine {
  readonly #tools: EnsureTools;
  readonly #spec: MachineSpec;
  readonly #signal: AbortSignal;
  readonly #onProgress: (progress: EnsureProgress) => void;
  readonly #keep: string | undefined;
  /** The image to create from, if a previous attempt pulled it. */
  #image: MachineImage | undefined;

  constructor(
    tools: EnsureTools,
    spec: MachineSpec,
    signal: AbortSignal,
    onProgress: (progress: EnsureProgress) => void,
    keep?: string,
  ) {
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
    // Runs concurrently: only the start waits for it.
    const isolated = isolation.require(this.#signal);
    isolated.catch(() => undefined);
    const all = await containers.list(this.#signal, this.#spec.id);
    const broken = all.filter(({ State }) => State === 'dead' || State === 'removing');
    const [fit, ...copies] = all.filter((one) => one.Labels?.[LABEL.hash] === this.#spec.hash && !broken.includes(one));
    const others = all.filter((one) => one !== fit && !copies.includes(one) && !broken.includes(one));
    const kept = others.filter((one) => one.Labels?.[LABEL.hash] === this.#keep);
    // First, because they may hold the name.
    await containers.retire(broken, this.#signal);
    // Created before the others stop: slow or failing steps happen while those still run.
    const ref = fit?.Id ?? (await this.#create());
    if (fit === undefined || fit.State === 'created') await checkVolumes(this.#tools, this.#spec, ref, this.#signal);
    if (fit?.State !== 'running') await isolated;
    const surplus = [...others.filter((one) => !kept.includes(one)), ...copies];
    await Promise.all([
      ...kept.map(({ Id }) => containers.stop(Id, this.#signal)),
      containers.retire(surplus, this.#signal),
    ]);
    await this.#bringUp(ref, fit?.State ?? 'created', fit !== undefined);
    // A gateway that lost its lease during a `revert` may have started it again.
    await Promise.all(kept.map(({ Id }) => containers.stop(Id, this.#signal)));
    const details = await containers.inspect(ref, this.#signal);
    const observation = details && observeInspected(details, installationId);
    if (!observation)
      throw new StaleContainerError(`The container of machine ${this.#spec.id} was removed as soon as it was started.`);
    return observation;
  }

  async #bringUp(ref: string, state: string, isOld: boolean): Promise<void> {
    if (isOld && !LIVE.has(state)) {
      // The engine's host may have rebooted since the creation, and the volumes' loop devices may have changed.
      await this.#ensureVolumes();
      // #create reports this for new containers.
      this.#onProgress({ phase: 'starting' });
    }
    try {
      await bringUp(this.#tools, { id: this.#spec.id, ref, state }, this.#signal);
    } catch (error) {
      if (statusOf(error) === undefined || LIVE.has(state) || error instanceof StaleContainerError) throw error;
      const details = await this.#tools.containers.inspect(ref, this.#signal);
      const cause = await this.#unlessNetworkIsGone(error, details?.HostConfig?.NetworkMode);
      // After an unclear answer the container stays, and the next call starts it. Without its network it never starts:
      // it refers to the network by id, and a new network has another id.
      if (cause !== error || (error instanceof EngineError && error.isRefusal)) await this.#discard(ref);
      throw cause;
    }
  }

  /** Prepares the volumes for mounting and returns their engine names. */
  async #ensureVolumes(): Promise<ReadonlyMap<string, string>> {
    const { names, enforcement } = await this.#tools.volumes.ensure(this.#spec, this.#signal);
    if (enforcement !== undefined) this.#onProgress({ phase: 'storage', enforcement });
    return names;
  }

  /** Creates the container and returns its engine id. */
  async #create(): Promise<string> {
    const { networks } = this.#tools;
    const storage = {
      installationId: this.#tools.installationId,
      volumeNames: await this.#ensureVolumes(),
      networkId: await networks[this.#spec.egress].ensureId(this.#signal),
    };
    const image = this.#image ?? (await this.#findImage());
    if (image === undefined) throw await this.#obtain('The image was missing.');
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

  /** The image to create from; undefined if it has to be pulled first. */
  async #findImage(): Promise<MachineImage | undefined> {
    const { keptImage, renewImage: isRenewed, imageRef } = this.#spec;
    if (keptImage !== undefined || isRenewed === true) return keptImage;
    return findPresentImage(this.#tools, imageRef, this.#signal);
  }

  /** Gets the image. Returns an error that starts a new attempt, because a pull can take minutes. */
  async #obtain(message: string, cause?: unknown): Promise<StaleContainerError> {
    const { keptImage, renewImage: isRenewed } = this.#spec;
    if (keptImage !== undefined)
      this.#image = await recoverImage(this.#tools, keptImage, this.#signal, this.#onProgress);
    else
      this.#image = await (isRenewed === true ? renewImage : pullOrAwaitBuild)(
        this.#tools,
        this.#spec,
        this.#signal,
        this.#onProgress,
      );
    return new StaleContainerError(message, { cause });
  }

  /** Returns a StaleContainerError if the next attempt has to recreate the network, otherwise the error itself. */
  async #unlessNetworkIsGone(error: unknown, networkId: string | undefined): Promise<unknown> {
    if (!(await isNetworkGone(this.#tools, error, networkId, this.#signal))) return error;
    this.#tools.networks[this.#spec.egress].forget();
    return new StaleContainerError('The network of the machines was removed before a start.', { cause: error });
  }

  /** Removes a container that did not start. Only logs failures: the caller must see the failed start. */
  async #discard(ref: string): Promise<void> {
    try {
      await this.#tools.containers.remove(ref, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#tools.log.warn(
        { err: error, machine: this.#spec.id, ref },
        'failed to remove a container that did not start',
      );
    }
  }
}
