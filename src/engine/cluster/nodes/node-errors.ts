import { EngineError } from '../../engine-error.ts';
import type { ClusterNode } from './cluster-node.ts';

/** The node that a machine must be on does not answer. */
export function nodeLost(node: ClusterNode, isLasting: boolean): EngineError {
  const what = isLasting
    ? `The node "${node.name}", which holds the VM's data, is not there. ` +
      'The VM starts automatically when the node is back.'
    : `The node "${node.name}", on which the VM runs, is not there. ` +
      'If it does not come back soon, the VM starts afresh on another one.';
  return new EngineError('NODE_LOST', what);
}

/** An operator wants the machine off its node, and its data is there. */
export function nodeDrained(node: ClusterNode): EngineError {
  const what = `The node "${node.name}", which holds the VM's data, is being emptied by the operator.`;
  return new EngineError('NODE_DRAINED', `${what} The VM starts automatically when the node is in use again.`);
}

/** The node is no longer in the cluster: whatever it held is gone with it. */
export function nodeRemoved(): EngineError {
  return new EngineError(
    'DATA_LOST',
    "The node that held the VM's data was removed from the swarm. " +
      'The operator can restore a copy; deleting the VM works.',
  );
}

export function noCapacity(problem: string): EngineError {
  const what = `No node has room for the VM: ${problem.replace(/[.]+$/, '')}.`;
  return new EngineError('NO_CAPACITY', `${what} It starts automatically once there is room.`);
}
