import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { Semaphore } from '../../../lib/concurrency/semaphore.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import { isContainerNameOf } from './machine-names.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectNoContent } from '../connection/expect-no-content.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { NetworkEndpoints, type Endpoint } from './network-endpoints.ts';
import { KnownRefs } from './known-refs.ts';
import { expectList } from '../connection/expect-list.ts';
import { byPriority, observeInspected, type InspectedContainer, type ListedContainer } from './observe-container.ts';

const REMOVE_MILLISECONDS = 60_000;
const KILL_MILLISECONDS = 15_000;
/** Added to a container's own grace period. */
const STOP_SLACK_SECONDS = 10;
const DEFAULT_GRACE_SECONDS = 10;
/** Concurrent inspects of containers that a list lacks. */
const DOUBTS_AT_A_TIME = 8;

/** The parts of an inspect that an observation does not contain. */
export interface ContainerDetails extends InspectedContainer {
  readonly Created?: string;
  readonly Config: InspectedContainer['Config'] & { readonly StopTimeout?: number | null };
  readonly Mounts?:
    | readonly { readonly Type?: string; readonly Name?: string | undefined; readonly Destination?: string }[]
    | null;
  readonly HostConfig?: { readonly NetworkMode?: string | undefined } | null;
}

/** Finds, stops and removes the containers of this installation. "Already so" is success. */
export class Containers {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #installationId: string;
  readonly #networks: readonly NetworkEndpoints[];
  readonly #known = new KnownRefs();
  readonly #doubts = new Semaphore(DOUBTS_AT_A_TIME);

  /** `networks`: the names of the machines' networks. */
  constructor(docker: Docker, call: EngineCall, installationId: string, networks: readonly string[] = []) {
    this.#docker = docker;
    this.#call = call;
    this.#installationId = installationId;
    this.#networks = networks.map((name) => new NetworkEndpoints(docker, name));
  }

  /**
   * Lists the containers of one machine, or of all, sorted by `byPriority`. An engine can answer 200 and list fewer
   * containers than it has. Therefore each known container that is not listed is inspected, and if a machine seems to
   * have none, the networks' endpoints are checked, too.
   */
  async list(signal: AbortSignal, id?: string): Promise<readonly ListedContainer[]> {
    const label = [
      `${LABEL.installation}=${this.#installationId}`,
      id === undefined ? LABEL.machine : `${LABEL.machine}=${id}`,
    ];
    const listed = await this.#call('list the containers', signal, async (abortSignal) =>
      expectList<ListedContainer>(await this.#docker.listContainers({ all: true, filters: { label }, abortSignal })),
    );
    for (const { Id, Labels } of listed) this.note(Labels?.[LABEL.machine] ?? '', Id);
    const missing = this.#known.missingFrom(new Set(listed.map(({ Id }) => Id)), id);
    const isBare = id !== undefined && listed.length === 0 && missing.length === 0;
    const doubtful = isBare ? await this.#findAttached(id, signal) : missing;
    const unlisted = await Promise.all(
      doubtful.map((ref) => this.#doubts.run(() => this.#findUnlisted(ref, signal), signal)),
    );
    return byPriority([...listed, ...unlisted.filter((one) => one !== undefined)]);
  }

  /** Records a container of a machine that was found by other means than a list. */
  note(id: string, ref: string): void {
    this.#known.note(id, ref);
  }

  /** Forgets a removed container. */
  forget(ref: string): void {
    this.#known.forget(ref);
  }

  /** Finds any container by id or name, including foreign ones; undefined if there is none. */
  async inspect(ref: string, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    try {
      return await this.#call('inspect a container', signal, async (abortSignal) => {
        const details: Partial<ContainerDetails> = await this.#docker.getContainer(ref).inspect({ abortSignal });
        const { Id, Config, State } = details;
        if (typeof Id !== 'string' || !Config || !State) throw new TypeError('its answer describes no container.');
        return { ...details, Id, Config, State };
      });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** The entry that a list lacks; undefined if the container really is gone. */
  async #findUnlisted(ref: string, signal: AbortSignal): Promise<ListedContainer | undefined> {
    const details = await this.inspect(ref, signal);
    const observation = details && observeInspected(details, this.#installationId);
    if (!observation) {
      this.forget(ref);
      return undefined;
    }
    this.note(observation.id, details.Id);
    return {
      Id: details.Id,
      Labels: details.Config.Labels ?? {},
      State: details.State.Status,
      Created: Date.parse(details.Created ?? '') / 1000 || 0,
      NetworkSettings: details.NetworkSettings ?? null,
    };
  }

  /** The machine's running containers, from the endpoints of the machines' networks. */
  async #findAttached(id: string, signal: AbortSignal): Promise<readonly string[]> {
    const endpoints = this.#networks.map((network) =>
      this.#call('inspect a network', signal, (abortSignal) => network.read(abortSignal)),
    );
    const isOwn = ({ name }: Endpoint) => isContainerNameOf(this.#installationId, id, name);
    return (await Promise.all(endpoints))
      .flat()
      .filter(isOwn)
      .map(({ ref }) => ref);
  }

  /** Stops the container: stop signal, grace period, then SIGKILL. */
  async stop(ref: string, signal: AbortSignal): Promise<void> {
    const details = await this.inspect(ref, signal);
    if (!details?.State.Running) return;
    const container = this.#docker.getContainer(ref);
    const seconds = (details.Config.StopTimeout ?? DEFAULT_GRACE_SECONDS) + STOP_SLACK_SECONDS;
    try {
      await this.#call('stop a container', signal, (abortSignal) => expectNoContent(container.stop({ abortSignal })), {
        milliseconds: seconds * 1000,
      });
      return;
    } catch (error) {
      if (isOneOf(statusOf(error), 304, 404)) return;
      if (!(error instanceof EngineError && error.code === 'ENGINE_TIMEOUT')) throw error;
    }
    const kill = async (abortSignal: AbortSignal) => {
      // A 409 means that it no longer runs; `wait` confirms it.
      await expectNoContent(container.kill({ signal: 'SIGKILL', abortSignal })).catch(unless(404, 409));
      await container.wait({ condition: 'not-running', abortSignal }).catch(unless(404));
    };
    await this.#call('kill a container', signal, kill, { milliseconds: KILL_MILLISECONDS });
  }

  /** Stops each container with its own grace period, then removes it. */
  async retire(surplus: readonly ListedContainer[], signal: AbortSignal): Promise<void> {
    await Promise.all(
      surplus.map(async ({ Id }) => {
        await this.stop(Id, signal);
        await this.remove(Id, signal);
      }),
    );
  }

  /** Removes the container and its anonymous volumes. Kills it if it runs. */
  remove(ref: string, signal: AbortSignal): Promise<void> {
    const container = this.#docker.getContainer(ref);
    const work = async (abortSignal: AbortSignal) => {
      // A 409 means that another call is removing it.
      await expectNoContent(container.remove({ force: true, v: true, abortSignal })).catch(unless(404, 409));
      for (
        let pause = 20;
        (await this.#exists(container, abortSignal)) && !abortSignal.aborted;
        pause = Math.min(2 * pause, 500)
      ) {
        await sleep(pause, undefined, { signal: abortSignal });
      }
      this.forget(ref);
    };
    return this.#call('remove a container', signal, work, { milliseconds: REMOVE_MILLISECONDS });
  }

  async #exists(container: Docker.Container, abortSignal: AbortSignal): Promise<boolean> {
    try {
      await container.inspect({ abortSignal });
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }
}

/** A rejection handler that treats these HTTP statuses as success. */
function unless(...statuses: readonly number[]): (error: unknown) => void {
  return (error) => {
    if (!isOneOf(statusOf(error), ...statuses)) throw error;
  };
}

function isOneOf(status: number | undefined, ...statuses: readonly number[]): boolean {
  return status !== undefined && statuses.includes(status);
}
