import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import type { DiskSpace, EngineNode, IsolationState } from '../../engine-reports.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { ClusterNodes } from './cluster-nodes.ts';

/** A node with less of its disk free takes no new machine while another one has more. */
const FREE_SHARE = 0.15;

/** What makes single nodes unfit for new machines: they are left out, and the cluster goes on. */
export class NodeConditions {
  readonly #nodes: ClusterNodes;
  readonly #log: Log;
  /** By node: why its machines cannot be isolated. */
  readonly #open = new Map<string, string>();
  readonly #full = new Set<string>();
  readonly #spaces = new Map<string, DiskSpace>();

  constructor(nodes: ClusterNodes, log: Log) {
    this.#nodes = nodes;
    this.#log = log;
  }

  /** The nodes on which nothing can start. */
  unfit(): string[] {
    return [...this.#open.keys()];
  }

  /** The nodes that should take no new machines. */
  avoided(): string[] {
    return [...new Set([...this.#open.keys(), ...this.#full])];
  }

  of({ id }: ClusterNode): Pick<EngineNode, 'problem' | 'disk'> {
    const [problem, disk] = [this.#open.get(id), this.#spaces.get(id)];
    return { ...(problem !== undefined && { problem }), ...(disk !== undefined && { disk }) };
  }

  /** Isolates the machines on each node. Rejects only if that works on none. */
  async isolate(signal: AbortSignal): Promise<IsolationState> {
    const nodes = this.#nodes.there();
    const states = await Promise.all(nodes.map((node) => this.#isolateOne(node, signal)));
    const failures = states.filter((state): state is EngineError => state instanceof EngineError);
    const [failure] = failures;
    if (failure !== undefined && failures.length === states.length) throw failure;
    return mergeStates(states.filter((state): state is IsolationState => !(state instanceof EngineError)));
  }

  async #isolateOne(node: ClusterNode, signal: AbortSignal): Promise<IsolationState | EngineError> {
    const before = this.#open.get(node.id);
    try {
      const state = await node.driver.isolate(signal);
      this.#open.delete(node.id);
      if (before !== undefined) this.#log.info({ node: node.name }, 'VMs are isolated on a node again');
      return state;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EngineError)) throw error;
      // A node that does not answer is away, which is told elsewhere.
      if (error.code === 'ISOLATION_FAILED') this.#open.set(node.id, error.message);
      if (error.code === 'ISOLATION_FAILED' && before !== error.message)
        this.#log.error({ node: node.name, err: error }, 'VMs cannot be isolated on a node, so it takes none');
      return error;
    }
  }

  /** The space of the node that has the most. Undefined if none can tell. */
  async diskSpace(signal: AbortSignal): Promise<DiskSpace | undefined> {
    const spaces = await Promise.all(
      this.#nodes.there().map(async (node) => [node, await node.driver.diskSpace(signal)] as const),
    );
    const before = new Set(this.#full);
    this.#full.clear();
    this.#spaces.clear();
    for (const [node, space] of spaces) {
      if (space !== undefined) this.#spaces.set(node.id, space);
      if (space === undefined || !isFull(space)) continue;
      this.#full.add(node.id);
      if (!before.has(node.id))
        this.#log.warn({ node: node.name }, 'the disk of a node is nearly full, so it takes no new VMs');
    }
    // If all are full, that is for the region's own watermark to judge.
    if (this.#full.size === spaces.length) this.#full.clear();
    const known = spaces.flatMap(([, space]) => (space === undefined ? [] : [space]));
    return known.toSorted((a, b) => b.freeBytes - a.freeBytes)[0];
  }
}

function isFull({ usedBytes, freeBytes }: DiskSpace): boolean {
  return freeBytes < (usedBytes + freeBytes) * FREE_SHARE;
}

/** The state of the cluster is that of its weakest node. */
export function mergeStates(states: readonly IsolationState[]): IsolationState {
  if (states.includes('open')) return 'open';
  const unheld = states.flatMap((state) => (typeof state === 'object' ? state.unheld : []));
  return unheld.length > 0 ? { unheld: [...new Set(unheld)] } : 'isolated';
}
