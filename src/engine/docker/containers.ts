import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { EngineError } from '../engine-error.ts';
import { LABEL } from '../labels.ts';
import type { EngineCall } from './engine-call.ts';
import { statusOf } from './engine-failure.ts';
import { listIn } from './list-in.ts';
import { foremostFirst, type InspectedContainer, type ListedContainer } from './observe-container.ts';

const REMOVE_MILLISECONDS = 60_000;
const KILL_MILLISECONDS = 15_000;
/** On top of a container's own grace. */
const STOP_SLACK_SECONDS = 10;
const DEFAULT_GRACE_SECONDS = 10;

/** What an inspect says besides what makes an observation. */
export interface ContainerDetails extends InspectedContainer {
  readonly Config: InspectedContainer['Config'] & { readonly StopTimeout?: number | null };
  readonly HostConfig?: { readonly NetworkMode?: string | undefined } | null;
}

/** The containers of this installation: found by label, ended, removed. "Already so" is success in each. */
export class Containers {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #installationId: string;

  constructor(docker: Docker, call: EngineCall, installationId: string) {
    this.#docker = docker;
    this.#call = call;
    this.#installationId = installationId;
  }

  /** Of one machine, or of all; those that stand for their machine first. */
  list(signal: AbortSignal, id?: string): Promise<readonly ListedContainer[]> {
    const label = [`${LABEL.installation}=${this.#installationId}`, id === undefined ? LABEL.machine : `${LABEL.machine}=${id}`];
    return this.#call('list the containers', signal, async (abortSignal) =>
      foremostFirst(listIn(await this.#docker.listContainers({ all: true, filters: { label }, abortSignal }))),
    );
  }

  /** By id or name, anyone's; undefined when there is none. */
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

  /** After it, the container does not run: it had its grace after the stop signal, or was killed. */
  async stop(ref: string, signal: AbortSignal): Promise<void> {
    const details = await this.inspect(ref, signal);
    if (!details?.State.Running) return;
    const container = this.#docker.getContainer(ref);
    const seconds = (details.Config.StopTimeout ?? DEFAULT_GRACE_SECONDS) + STOP_SLACK_SECONDS;
    try {
      await this.#call('stop a container', signal, (abortSignal) => container.stop({ abortSignal }), { milliseconds: seconds * 1000 });
      return;
    } catch (error) {
      if (isOneOf(statusOf(error), 304, 404)) return;
      if (!(error instanceof EngineError && error.code === 'ENGINE_TIMEOUT')) throw error;
    }
    const kill = async (abortSignal: AbortSignal) => {
      // A 409 says that it does not run any more; `wait` tells for sure.
      await container.kill({ signal: 'SIGKILL', abortSignal }).catch(unless(404, 409));
      await container.wait({ condition: 'not-running', abortSignal }).catch(unless(404));
    };
    await this.#call('kill a container', signal, kill, { milliseconds: KILL_MILLISECONDS });
  }

  /** Each is stopped with its own grace, then removed. */
  async retire(surplus: readonly ListedContainer[], signal: AbortSignal): Promise<void> {
    await Promise.all(
      surplus.map(async ({ Id }) => {
        await this.stop(Id, signal);
        await this.remove(Id, signal);
      }),
    );
  }

  /** After it, the container and its anonymous volumes are gone; killed when it still ran. */
  remove(ref: string, signal: AbortSignal): Promise<void> {
    const container = this.#docker.getContainer(ref);
    const work = async (abortSignal: AbortSignal) => {
      // A 409 says that another call is removing it.
      await container.remove({ force: true, v: true, abortSignal }).catch(unless(404, 409));
      for (let pause = 20; (await this.#exists(container, abortSignal)) && !abortSignal.aborted; pause = Math.min(2 * pause, 500)) {
        await sleep(pause, undefined, { signal: abortSignal });
      }
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

/** A handler of rejections that takes answers of these statuses for success. */
function unless(...statuses: readonly number[]): (error: unknown) => void {
  return (error) => {
    if (!isOneOf(statusOf(error), ...statuses)) throw error;
  };
}

function isOneOf(status: number | undefined, ...statuses: readonly number[]): boolean {
  return status !== undefined && statuses.includes(status);
}
