import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import type { MachineSpec } from '../../machine.ts';
import type { ClusterNode } from '../nodes/cluster-node.ts';
import type { ClusterNodes } from '../nodes/cluster-nodes.ts';
import type { MachinePlaces } from './machine-places.ts';
import { noCapacity, nodeRemoved } from '../nodes/node-errors.ts';
import type { NodeConditions } from '../nodes/node-conditions.ts';
import type { Place, Placer } from '../../placer.ts';

export interface PlaceTools {
  readonly log: Log;
  readonly placer: Placer;
  readonly nodes: ClusterNodes;
  readonly places: MachinePlaces;
  readonly patienceMs: number;
  readonly conditions: Pick<NodeConditions, 'avoided' | 'unfit'>;
}

/** As `placeMachine`; but a machine that has a container is changed where that is, with or without a placer. */
export async function placeOrStay(tools: PlaceTools, spec: MachineSpec, signal: AbortSignal): Promise<ClusterNode> {
  try {
    return await placeMachine(tools, spec, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof EngineError) || error.isRefusal || error.code === 'NODE_LOST') throw error;
    const found = await tools.places.observeAnywhere(spec.id, signal);
    if (found === undefined) throw error;
    tools.log.warn({ err: error, vmId: spec.id, node: found.node.name }, 'a VM is changed without the placer');
    return found.node;
  }
}

/** A placer that has room assigns a node within 0.1 s. */
const REFUSED_AFTER_MS = 2_000;
const PLACED_WITHIN_MS = 20_000;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [15, 200];

/**
 * Gives the machine its place. Afterwards it has a node that is there and, before any lasting data is created, the pin
 * that holds it there. Rejects with NO_CAPACITY, or if the node of its data cannot be used.
 */
export async function placeMachine(tools: PlaceTools, spec: MachineSpec, signal: AbortSignal): Promise<ClusterNode> {
  const { placer, places, conditions, patienceMs } = tools;
  const { id, memoryBytes, cpu } = spec;
  const lasting = spec.volumes.filter(({ lifetime }) => lifetime === 'until-delete');
  const mustExist = lasting.some((volume) => volume.mustExist);
  const before = await placer.find(id, signal);
  const pinned = places.requirePinned(before, () => (mustExist ? nodeRemoved() : undefined));
  const home = pinned ?? (lasting.length > 0 ? await findHome(tools, id, mustExist, signal) : undefined);
  const [avoid, unfit] = [conditions.avoided(), conditions.unfit()];
  await placer.request({ id, memoryBytes, cpu, pin: home?.id, avoid, unfit }, signal);
  const [node, place] = await awaitNode(tools, id, home === undefined ? unfit : [], signal);
  const isLasting = lasting.length > 0;
  const isPinned = place.pin === node.id && place.isLasting === isLasting;
  if (!isPinned && (isLasting || patienceMs > 0)) await placer.pin(id, node.id, isLasting, signal);
  return node;
}

/** The node with the data of a machine that the placer does not know any more. */
async function findHome(
  { nodes, places }: PlaceTools,
  id: string,
  mustExist: boolean,
  signal: AbortSignal,
): Promise<ClusterNode | undefined> {
  const home = await places.findData(id, signal);
  if (home !== undefined || !mustExist) return home;
  const away = nodes.all().filter(({ isThere }) => !isThere);
  if (away.length === 0) return undefined;
  const names = away.map(({ name }) => `"${name}"`).join(', ');
  throw new EngineError('NODE_LOST', `The VM's data is on none of the nodes that are there. Not there: ${names}.`);
}

async function awaitNode(
  { placer, nodes }: PlaceTools,
  id: string,
  unfit: readonly string[],
  signal: AbortSignal,
): Promise<readonly [ClusterNode, Place]> {
  const startedAt = performance.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    const place = await placer.find(id, signal);
    const node = nodes.find(place?.nodeId);
    // A place that it has just left can still be told.
    if (place !== undefined && node?.isThere === true && !unfit.includes(node.id)) return [node, place];
    const waitedMs = performance.now() - startedAt;
    if (place?.problem !== undefined && waitedMs > REFUSED_AFTER_MS) throw noCapacity(place.problem);
    if (waitedMs > PLACED_WITHIN_MS) {
      const which = node === undefined ? '' : `: its node "${node.name}" does not answer`;
      throw new EngineError(
        'ENGINE_TIMEOUT',
        `The VM got no place in the swarm within ${PLACED_WITHIN_MS / 1000} s${which}.`,
      );
    }
    await pauseFor(pauseMs, signal);
  }
}
