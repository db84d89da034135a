import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { ClusterNodes } from './cluster-nodes.ts';

/** Does something on all nodes that are there, at once. */
export function eachNode<T>(nodes: ClusterNodes, work: (node: ClusterNode) => Promise<T>): Promise<T[]> {
  return Promise.all(nodes.there().map(work));
}

interface OneMachine {
  readonly nodes: ClusterNodes;
  /** Where the machine is; undefined if that is not known. */
  readonly home: ClusterNode | undefined;
  readonly log: Log;
}

/**
 * Does something about one machine on all nodes. One that is not its home and does not answer is left out: what it may
 * have of the machine, the list finds when the node answers again.
 */
export async function eachNodeOf(
  { nodes, home, log }: OneMachine,
  signal: AbortSignal,
  work: (node: ClusterNode) => Promise<void>,
): Promise<void> {
  await eachNode(nodes, async (node) => {
    try {
      await work(node);
    } catch (error) {
      signal.throwIfAborted();
      if (node === home || home === undefined || !(error instanceof EngineError) || error.isRefusal) throw error;
      log.debug({ err: error, node: node.name }, 'a node that is not the home of a VM does not answer');
    }
  });
}
