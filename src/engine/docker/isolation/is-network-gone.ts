import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';

/**
 * True if a refusal to create or start a container may be caused by the network's absence. Asks the engine, because the
 * refusals differ: 404 "network X not found", or in a swarm 500 "Could not attach to network X".
 */
export async function isNetworkGone(
  { docker, call }: { readonly docker: Docker; readonly call: EngineCall },
  refusal: unknown,
  networkId: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (statusOf(refusal) === undefined || networkId === undefined) return false;
  const network = docker.getNetwork(networkId);
  // The type lacks the options.
  const inspect: (options: { abortSignal: AbortSignal }) => Promise<unknown> = network.inspect.bind(network);
  try {
    await call('inspect a network', signal, (abortSignal) => inspect({ abortSignal }));
    return false;
  } catch (error) {
    if (statusOf(error) === 404) return true;
    throw error;
  }
}
