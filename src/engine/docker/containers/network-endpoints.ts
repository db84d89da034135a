import type Docker from 'dockerode';
import { statusOf } from '../connection/engine-failure.ts';

/** A container on a network. */
export interface Endpoint {
  /** The container's id. */
  readonly ref: string;
  /** Its name; empty if the engine does not report it. */
  readonly name: string;
}

interface NetworkDetails {
  readonly Id?: string;
  readonly Containers?: Readonly<Record<string, { readonly Name?: string } | null>> | null;
}

/**
 * Reads who is on a network. After the first time it asks by the network's id: for a name, the manager of a swarm asks
 * the swarm as well, which takes 20 s without a leader.
 */
export class NetworkEndpoints {
  readonly #docker: Docker;
  readonly #name: string;
  #id: string | undefined;

  constructor(docker: Docker, name: string) {
    this.#docker = docker;
    this.#name = name;
  }

  /** The running containers on the network; none if there is no such network. */
  async read(abortSignal: AbortSignal): Promise<readonly Endpoint[]> {
    const known = this.#id === undefined ? undefined : await this.#inspect(this.#id, abortSignal);
    const details = known ?? (await this.#inspect(this.#name, abortSignal));
    this.#id = details?.Id;
    return Object.entries(details?.Containers ?? {}).map(([ref, endpoint]) => ({ ref, name: endpoint?.Name ?? '' }));
  }

  /** Undefined if there is no such network. */
  async #inspect(reference: string, abortSignal: AbortSignal): Promise<NetworkDetails | undefined> {
    // The type lacks the options.
    const network = this.#docker.getNetwork(reference);
    const inspect: (options: { abortSignal: AbortSignal }) => Promise<unknown> = network.inspect.bind(network);
    try {
      const details: NetworkDetails = (await inspect({ abortSignal })) ?? {};
      return details;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }
}
