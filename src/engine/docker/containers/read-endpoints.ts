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
  readonly Containers?: Readonly<Record<string, { readonly Name?: string } | null>> | null;
}

/** The running containers on a network; none if there is no such network. */
export async function readEndpoints(
  docker: Docker,
  networkName: string,
  abortSignal: AbortSignal,
): Promise<readonly Endpoint[]> {
  // The type lacks the options.
  const network = docker.getNetwork(networkName);
  const inspect: (options: { abortSignal: AbortSignal }) => Promise<unknown> = network.inspect.bind(network);
  try {
    const { Containers: attached }: NetworkDetails = (await inspect({ abortSignal })) ?? {};
    return Object.entries(attached ?? {}).map(([ref, endpoint]) => ({ ref, name: endpoint?.Name ?? '' }));
  } catch (error) {
    if (statusOf(error) === 404) return [];
    throw error;
  }
}
