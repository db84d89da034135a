import type Docker from 'dockerode';
import { EngineError } from '../engine-error.ts';
import type { EngineCall } from './engine-call.ts';
import { statusOf } from './engine-failure.ts';
import { listIn } from './list-in.ts';

/** The bridge that every machine of every installation on an engine sits on, and nothing else. */
export const NETWORK_NAME = 'swiftor-vms';

const ISOLATION = 'com.docker.network.bridge.enable_icc';

/**
 * The machines' network: made when it is missing, never removed, for another installation may use it. Its containers cannot
 * reach each other. A network for each machine would end at about 30: the engine has no more address ranges.
 */
export class MachineNetwork {
  readonly #docker: Docker;
  readonly #call: EngineCall;
  #id: string | undefined;

  constructor(docker: Docker, call: EngineCall) {
    this.#docker = docker;
    this.#call = call;
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
    const found = await this.#call('list the networks', signal, async (abortSignal) => {
      const networks = await this.#docker.listNetworks({ filters: { name: [NETWORK_NAME] }, abortSignal });
      // The filter takes names that contain it. Two gateways may each have made one: all use the same, told by its id.
      return listIn(networks)
        .filter(({ Name }) => Name === NETWORK_NAME)
        .toSorted((a, b) => (a.Id < b.Id ? -1 : 1))[0];
    });
    if (found !== undefined && found.Options?.[ISOLATION] !== 'false') {
      throw new EngineError(
        'ENGINE_REFUSED',
        `The network "${NETWORK_NAME}" lets its containers reach each other: remove it, it is then made anew with ${ISOLATION}=false.`,
      );
    }
    return found?.Id;
  }

  async #create(signal: AbortSignal): Promise<string> {
    try {
      await this.#call(`create the network "${NETWORK_NAME}"`, signal, (abortSignal) =>
        this.#docker.createNetwork({
          Name: NETWORK_NAME,
          CheckDuplicate: true,
          Driver: 'bridge',
          Options: { [ISOLATION]: 'false' },
          // Not an installation's: shared.
          Labels: { 'io.swiftor.network': 'machines' },
          abortSignal,
        }),
      );
    } catch (error) {
      // Another gateway was quicker.
      if (statusOf(error) !== 409) throw error;
    }
    // Looked up, not taken from the answer: when two were made, both makers come to the same.
    const id = await this.#find(signal);
    if (id === undefined) throw new EngineError('ENGINE_REFUSED', `The network "${NETWORK_NAME}" was removed as soon as it was made.`);
    return id;
  }
}
