import type Docker from 'dockerode';
import { pauseFor } from '../../../lib/pause-for.ts';
import { EngineError } from '../../engine-error.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectList } from '../observe/expect-list.ts';

const ISOLATION = 'com.docker.network.bridge.enable_icc';
const BRIDGE_NAME = 'com.docker.network.bridge.name';
const OTHER_PAUSES_MILLISECONDS = [50, 200, 500, 1000];

/**
 * A bridge that machines of every installation on an engine sit on, and nothing else: made when it is missing, never removed, for another installation may use it. Its containers cannot
 * reach each other. A network for each machine would end at about 30: the engine has no more address ranges.
 */
export class MachineNetwork {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #name: string;
  #id: string | undefined;

  /** The name is that of the host's bridge too, so at most 15 characters. */
  constructor(docker: Docker, call: EngineCall, name: string) {
    this.#docker = docker;
    this.#call = call;
    this.#name = name;
  }

  /** The engine's id of the network, which exists or existed a moment ago. */
  async ensureId(signal: AbortSignal): Promise<string> {
    this.#id ??= (await this.#find(signal)) ?? (await this.#create(signal));
    return this.#id;
  }

  /** Called when the engine says that the network is gone. */
  forget(): void {
    this.#id = undefined;
  }

  async #find(signal: AbortSignal): Promise<string | undefined> {
    const [found, second] = await this.#call('list the networks', signal, async (abortSignal) => {
      const networks = await this.#docker.listNetworks({ filters: { name: [this.#name] }, abortSignal });
      // The filter takes names that contain it.
      return expectList(networks).filter(({ Name }) => Name === this.#name);
    });
    if (second !== undefined) {
      throw new EngineError('ENGINE_REFUSED', `There are two networks "${this.#name}", and no container can start: remove one of them.`);
    }
    if (found !== undefined && found.Options?.[ISOLATION] !== 'false') {
      throw new EngineError(
        'ENGINE_REFUSED',
        `The network "${this.#name}" lets its containers reach each other: remove it, it is then made anew with ${ISOLATION}=false.`,
      );
    }
    if (found?.EnableIPv6 === true) {
      throw new EngineError(
        'ENGINE_REFUSED',
        `The network "${this.#name}" has IPv6, which machines are not walled off from: remove it, it is then made anew without.`,
      );
    }
    return found?.Id;
  }

  async #create(signal: AbortSignal): Promise<string> {
    try {
      return await this.#call(`create the network "${this.#name}"`, signal, async (abortSignal) => {
        const { id } = await this.#docker.createNetwork({
          Name: this.#name,
          CheckDuplicate: true,
          Driver: 'bridge',
          EnableIPv6: false,
          // The bridge has a fixed name because only that makes the engine refuse a second network when two gateways ask at once:
          // CheckDuplicate does not, and with two networks of one name no container starts any more, not even by the network's id.
          Options: { [ISOLATION]: 'false', [BRIDGE_NAME]: this.#name },
          // Not an installation's: shared.
          Labels: { 'io.swiftor.network': 'machines' },
          abortSignal,
        });
        if (typeof id !== 'string') throw new TypeError('its answer describes no network.');
        return id;
      });
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'ENGINE_REFUSED')) throw error;
      return this.#findOther(error, signal);
    }
  }

  /** Another gateway may have been quicker, and its network shows a moment later. Throws `refusal` when none shows. */
  async #findOther(refusal: EngineError, signal: AbortSignal): Promise<string> {
    for (const pause of OTHER_PAUSES_MILLISECONDS) {
      const id = await this.#find(signal);
      if (id !== undefined) return id;
      await pauseFor(pause, signal);
    }
    throw refusal;
  }
}
