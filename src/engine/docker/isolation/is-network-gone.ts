import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';

/**
 * Whether a refusal to create or start a container on that network can come of the network's absence. Asked of the engine instead of read
 * from its refusal, which differs: 404 "network X not found", or as a member of a swarm 500 "Could not attach to network X".
 */
export async function isNetworkGone(
  { docker, call }: { readonly docker: Docker; readonly call: EngineCall },
  refusal: unknown,
  networkId: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (statusOf(refusal) === undefined || networkId === undefined) return false;
  const network = docker.getNetwork(networkId);
  // Typed as if it took no options.
  const inspect: (options: { abortSignal: AbortSignal }) => Promise<unknown> = network.inspect.bind(network);
  try {
    await call('look at a network', signal, (abortSignal) => inspect({ abortSignal }));
    return false;
  } catch (error) {
    if (statusOf(error) === 404) return true;
    throw error;
  }
}
