import type { EngineError } from '../../engine-error.ts';
import type { EngineEvent, Inventory } from '../../engine-reports.ts';
import { LABEL } from '../../labels.ts';
import type { Observation } from '../../machine.ts';
import type { ClusterNode } from '../nodes/cluster-node.ts';
import type { ClusterNodes } from '../nodes/cluster-nodes.ts';
import { nodeDrained, nodeLost } from '../nodes/node-errors.ts';
import type { Place, Placer } from '../../placer.ts';

/**
 * Finds the node of a machine: where it was last seen, else where the placer has it, else by asking all. Most calls
 * need no placer, so what runs goes on without one.
 */
export class MachinePlaces {
  readonly #nodes: ClusterNodes;
  readonly #placer: Placer;
  /** By machine: the node and the container that were last seen. */
  readonly #seen = new Map<string, { readonly nodeId: string; readonly ref: string }>();
  /** As the placer last said. */
  #places = new Map<string, Place>();

  constructor(nodes: ClusterNodes, placer: Placer) {
    this.#nodes = nodes;
    this.#placer = placer;
  }

  /** Adds the node to what was observed there. */
  note<T extends Observation>(node: ClusterNode, observation: T): T {
    this.#seen.set(observation.id, { nodeId: node.id, ref: observation.ref });
    return { ...observation, node: node.id };
  }

  /** The node where the machine was last seen, or else has its place; undefined if neither is known. */
  homeOf(id: string): ClusterNode | undefined {
    const place = this.#places.get(id);
    return this.#nodes.find(this.#seen.get(id)?.nodeId ?? place?.nodeId ?? place?.pin);
  }

  forget(id: string): void {
    this.#seen.delete(id);
    this.#places.delete(id);
  }

  /** Forgets machines that these nodes do not have any more: another gateway can have removed them. */
  keepOnly(nodeIds: readonly string[], present: ReadonlyMap<string, unknown>): void {
    const listed = new Set(nodeIds);
    for (const [id, { nodeId }] of this.#seen) if (listed.has(nodeId) && !present.has(id)) this.#seen.delete(id);
  }

  countOn({ id }: ClusterNode): number {
    return [...this.#seen.values()].filter(({ nodeId }) => nodeId === id).length;
  }

  /** What was on the node, as events: of containers that are out of reach, or may be back. */
  eventsOf(node: ClusterNode): EngineEvent[] {
    return [...this.#seen].flatMap(([id, { nodeId, ref }]) =>
      nodeId === node.id ? [{ id, ref, action: 'removed' as const }] : [],
    );
  }

  /** Asks the placer for all places. */
  async refresh(signal: AbortSignal): Promise<ReadonlyMap<string, Place>> {
    this.#places = new Map(await this.#placer.list(signal));
    return this.#places;
  }

  /** The place of a machine. One that the placer told before is not asked for again while its node is there. */
  async placeOf(id: string, signal: AbortSignal): Promise<Place | undefined> {
    const known = this.#places.get(id);
    const node = this.#nodes.find(known?.nodeId);
    if (node?.isThere === true && node.info.availability !== 'drain') return known;
    try {
      const place = await this.#placer.find(id, signal);
      if (place === undefined) this.#places.delete(id);
      else this.#places.set(id, place);
      return place;
    } catch (error) {
      signal.throwIfAborted();
      // A placer without a quorum moves nothing either.
      if (known === undefined) throw error;
      return known;
    }
  }

  /** The node that has the machine's container; undefined if none has that is there. */
  async locate(id: string, signal: AbortSignal): Promise<ClusterNode | undefined> {
    const seen = this.#nodes.find(this.#seen.get(id)?.nodeId);
    if (seen?.isThere === true) return seen;
    return (await this.observeAnywhere(id, signal))?.node;
  }

  /**
   * Asks all nodes that are there. The first with a container counts: that of its place, if that has one. Rejects if
   * none has one and a node did not answer.
   */
  async observeAnywhere(
    id: string,
    signal: AbortSignal,
    preferred?: string,
  ): Promise<{ readonly node: ClusterNode; readonly observed: Observation } | undefined> {
    const asked = await Promise.allSettled(
      this.#nodes.there().map(async (node) => {
        const observed = await node.driver.observe(id, signal);
        return observed === undefined ? [] : [{ node, observed: this.note(node, observed) }];
      }),
    );
    const all = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    const failed = asked.find((each) => each.status === 'rejected');
    if (all.length === 0 && failed !== undefined) throw failed.reason;
    return all.find(({ node }) => node.id === preferred) ?? all[0];
  }

  /**
   * The node that the machine must be on: that of its pin. Undefined if it may be on any. Rejects with NODE_LOST or
   * NODE_DRAINED if it cannot be there now; `onGone` decides if the node has left the cluster.
   */
  requirePinned(place: Place | undefined, onGone: () => EngineError | undefined): ClusterNode | undefined {
    if (place?.pin === undefined) return undefined;
    const node = this.#nodes.find(place.pin);
    if (node === undefined) {
      const error = place.isLasting ? onGone() : undefined;
      if (error !== undefined) throw error;
      return undefined;
    }
    if (!node.isThere) throw nodeLost(node, place.isLasting);
    if (node.info.availability === 'drain' && place.isLasting) throw nodeDrained(node);
    return node;
  }

  /** The node with lasting volumes of the machine, for one that has lost its place. */
  async findData(id: string, signal: AbortSignal): Promise<ClusterNode | undefined> {
    const hasData = ({ volumes }: Inventory) =>
      volumes.some((volume) => volume.id === id && volume.labels[LABEL.lifetime] === 'until-delete');
    const found = await Promise.all(
      this.#nodes.there().map(async (node) => (hasData(await node.driver.list(signal)) ? [node] : [])),
    );
    return found.flat()[0];
  }
}
