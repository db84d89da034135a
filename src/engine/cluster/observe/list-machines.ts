import type { Log } from '../../../log.ts';
import type { Inventory } from '../../engine-reports.ts';
import type { ClusterNode } from '../nodes/cluster-node.ts';
import type { ClusterNodes } from '../nodes/cluster-nodes.ts';
import type { MachinePlaces } from '../places/machine-places.ts';
import type { Place } from '../../placer.ts';

interface ListTools {
  readonly nodes: ClusterNodes;
  readonly places: MachinePlaces;
  readonly log: Log;
}

/** What each node has. */
type NodeInventory = readonly [ClusterNode, Inventory];

const EMPTY: Inventory = { machines: [], volumes: [] };
const REMOVE_MS = 90_000;

/**
 * What all nodes that are there have, each machine once. What a machine left on another node than its own, because
 * that was away or drained when the machine moved, ends there meanwhile. Lasting data is never removed.
 */
export async function listMachines(tools: ListTools, leaving: Set<string>, signal: AbortSignal): Promise<Inventory> {
  const { nodes, places, log } = tools;
  const listed = await Promise.all(
    nodes.there().map(async (node): Promise<NodeInventory> => {
      try {
        return [node, await node.driver.list(signal)];
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error, node: node.name }, 'a node does not list its containers');
        return [node, EMPTY];
      }
    }),
  );
  // Without a placer, what is known of the places is older, and nothing ends by it.
  const current = await places.refresh(signal).catch(() => new Map<string, Place>());
  const left = findLeft(listed, current, new Set(nodes.there().map(({ id }) => id)));
  for (const [node, id] of left) removeLeft(tools, leaving, node, id);
  const isLeft = (node: ClusterNode, id: string) => left.some(([where, which]) => where === node && which === id);
  const machines = new Map<string, Inventory['machines'][number]>();
  for (const [node, inventory] of listed) {
    for (const machine of inventory.machines) {
      if (isLeft(node, machine.id) || machines.has(machine.id)) continue;
      machines.set(machine.id, places.note(node, machine));
    }
  }
  places.keepOnly(
    listed.filter(([, inventory]) => inventory !== EMPTY).map(([node]) => node.id),
    machines,
  );
  return { machines: [...machines.values()], volumes: listed.flatMap(([, { volumes }]) => volumes) };
}

/** Machines that a node has although their place is another node, which is there. */
export function findLeft(
  listed: readonly NodeInventory[],
  places: ReadonlyMap<string, Place>,
  there: ReadonlySet<string>,
): (readonly [ClusterNode, string])[] {
  return listed.flatMap(([node, { machines }]) =>
    machines.flatMap(({ id }) => {
      const { nodeId } = places.get(id) ?? {};
      return nodeId !== undefined && nodeId !== node.id && there.has(nodeId) ? [[node, id] as const] : [];
    }),
  );
}

/** In the background, because the app gets its time to stop. */
function removeLeft({ log }: ListTools, leaving: Set<string>, node: ClusterNode, id: string): void {
  const key = `${node.id} ${id}`;
  if (leaving.has(key)) return;
  leaving.add(key);
  log.info({ vmId: id, node: node.name }, 'stopping a container that a VM left on another node');
  endThere(node, id, AbortSignal.timeout(REMOVE_MS))
    .catch((error: unknown) =>
      log.warn({ err: error, vmId: id, node: node.name }, 'failed to stop a container that a VM left on another node'),
    )
    .finally(() => leaving.delete(key));
}

/** Stops the machine on that node, and removes what does not outlive a stop. */
export async function endThere(node: ClusterNode, id: string, signal: AbortSignal): Promise<void> {
  await node.driver.stop(id, signal);
  await node.driver.remove(id, ['until-stop'], signal);
}
