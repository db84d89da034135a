import type Docker from 'dockerode';
import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import { EngineError } from '../../engine-error.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectList } from '../connection/expect-list.ts';

const ISOLATION = 'com.docker.network.bridge.enable_icc';
const BRIDGE_NAME = 'com.docker.network.bridge.name';
const OTHER_PAUSES_MILLISECONDS = [50, 200, 500, 1000];

/**
 * A bridge network for the machines of all installations on an engine. Its containers cannot reach each other. It is
 * created if missing, and never removed because another installation may use it. One network per machine is not
 * possible: the engine has address ranges for about 30 networks.
 */
export class MachineNetwork {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  readonly #name: string;
  #id: string | undefined;

  /** `name` is also the name of the host's bridge: at most 15 characters. */
  constructor(docker: Docker, call: EngineCall, name: string) {
    this.#docker = docker;
    this.#call = call;
    this.#name = name;
  }

  /** The network's engine id. Creates the network if it is missing. The id is cached until `forget`. */
  async ensureId(signal: AbortSignal): Promise<string> {
    this.#id ??= (await this.#find(signal)) ?? (await this.#create(signal));
    return this.#id;
  }

  /** Called when the engine reports that the network is gone. */
  forget(): void {
    this.#id = undefined;
  }

  async #find(signal: AbortSignal): Promise<string | undefined> {
    const [found, second] = await this.#call('list the networks', signal, async (abortSignal) => {
      const networks = await this.#docker.listNetworks({ filters: { name: [this.#name] }, abortSignal });
      // The filter matches substrings.
      return expectList(networks).filter(({ Name }) => Name === this.#name);
    });
    if (second !== undefined) {
      throw new EngineError(
        'ENGINE_REFUSED',
        `No container can start because there are two networks "${this.#name}": remove one of them.`,
      );
    }
    if (found !== undefined && found.Options?.[ISOLATION] !== 'false') {
      throw new EngineError(
        'ENGINE_REFUSED',
        `The network "${this.#name}" lets its containers reach each other. Remove it; the gateway then ` +
          `recreates it with ${ISOLATION}=false.`,
      );
    }
    if (found?.EnableIPv6 === true) {
      throw new EngineError(
        'ENGINE_REFUSED',
        `The network "${this.#name}" has IPv6, for which there is no isolation. Remove it; the gateway then ` +
          'recreates it without.',
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
          // Only a fixed bridge name makes the engine refuse a second network when two gateways create it at once:
          // CheckDuplicate does not. With two networks of one name no container starts, not even by the network's id.
          Options: { [ISOLATION]: 'false', [BRIDGE_NAME]: this.#name },
          // No installation label, because it is shared.
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

  /** Waits for the network of another gateway that was faster. Throws `refusal` if none appears. */
  async #findOther(refusal: EngineError, signal: AbortSignal): Promise<string> {
    for (const pause of OTHER_PAUSES_MILLISECONDS) {
      const id = await this.#find(signal);
      if (id !== undefined) return id;
      await pauseFor(pause, signal);
    }
    throw refusal;
  }
}
