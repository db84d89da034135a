import { EngineError } from '../../engine-error.ts';
import type { Observation } from '../../machine.ts';
import type { Place } from '../../placer.ts';
import type { ClusterNodes } from '../nodes/cluster-nodes.ts';
import type { MachinePlaces } from '../places/machine-places.ts';

interface ObserveTools {
  readonly nodes: ClusterNodes;
  readonly places: MachinePlaces;
}

/** Observes a machine where its place is. Rejects with NODE_LOST or NODE_DRAINED while it must be on a node that is. */
export async function observeMachine(
  { nodes, places }: ObserveTools,
  id: string,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  const place = await places.placeOf(id, signal).catch((error: unknown) => findPlace(places, id, error, signal));
  places.requirePinned(place, () => undefined);
  const node = nodes.find(place?.nodeId);
  if (node?.isThere !== true) return (await places.observeAnywhere(id, signal, place?.pin))?.observed;
  const observed = await node.driver.observe(id, signal);
  // Elsewhere it has no place any more; but nothing else has happened to it yet.
  return observed && places.note(node, observed);
}

/** Where the machine is found without a placer. One that is nowhere may be on a node that is away. */
async function findPlace(places: MachinePlaces, id: string, error: unknown, signal: AbortSignal): Promise<Place> {
  signal.throwIfAborted();
  const found = error instanceof EngineError ? await places.observeAnywhere(id, signal) : undefined;
  if (found === undefined) throw error;
  return { nodeId: found.node.id, isLasting: false };
}
