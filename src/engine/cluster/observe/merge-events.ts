import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import { PushQueue } from '../../../lib/concurrency/push-queue.ts';
import type { EngineEvent } from '../../engine-reports.ts';
import { EngineError } from '../../engine-error.ts';
import type { ClusterNode } from '../nodes/cluster-node.ts';
import type { ClusterNodes } from '../nodes/cluster-nodes.ts';
import type { MachinePlaces } from '../places/machine-places.ts';

const RECONNECT_MS = 300;

/**
 * The events of all nodes as one stream, which ends with the driver or its reader. When a node comes or goes, each of
 * its machines has changed.
 */
export function mergeEvents(
  nodes: ClusterNodes,
  places: MachinePlaces,
  signal: AbortSignal,
  closing: AbortSignal,
): AsyncIterable<EngineEvent> {
  const ending = new AbortController();
  const following = new Map<ClusterNode, AbortController>();
  const queue = new PushQueue<EngineEvent>({ limit: Infinity, onClose: () => ending.abort() });
  const follow = (node: ClusterNode) => {
    if (!node.isThere || following.has(node)) return;
    const leaving = new AbortController();
    following.set(node, leaving);
    const over = AbortSignal.any([ending.signal, leaving.signal]);
    void followNode(node, (event) => queue.push(event), over).finally(() => {
      if (following.get(node) === leaving) following.delete(node);
    });
  };
  const forget = nodes.onChange((node) => {
    following.get(node)?.abort();
    following.delete(node);
    queue.preload(places.eventsOf(node));
    follow(node);
  });
  const onAbort = () => queue.fail(signal.reason);
  const onClose = () => queue.fail(new EngineError('ENGINE_UNREACHABLE', 'The driver was closed.'));
  signal.addEventListener('abort', onAbort, { once: true });
  closing.addEventListener('abort', onClose, { once: true });
  ending.signal.addEventListener('abort', () => {
    forget();
    signal.removeEventListener('abort', onAbort);
    closing.removeEventListener('abort', onClose);
  });
  if (signal.aborted) onAbort();
  else if (closing.aborted) onClose();
  else for (const node of nodes.there()) follow(node);
  return queue;
}

/** Follows the node's own stream, again and again, until `over` aborts. */
async function followNode(node: ClusterNode, push: (event: EngineEvent) => void, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    try {
      for await (const event of node.driver.events(over)) push(event);
    } catch {
      // The node's state is told by its answers, not by this stream. What it missed, a list finds.
    }
    await pauseFor(RECONNECT_MS, over).catch(() => undefined);
  }
}
