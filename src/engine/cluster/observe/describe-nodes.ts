import type { EngineDescription } from '../../engine-reports.ts';
import type { ClusterNodes } from '../nodes/cluster-nodes.ts';
import { eachNode } from '../nodes/each-node.ts';

/** The nodes as one engine. An image that one node has reaches the others. */
export async function describeNodes(nodes: ClusterNodes, signal: AbortSignal): Promise<EngineDescription> {
  const all = await eachNode(nodes, ({ driver }) => driver.describe(signal));
  const architecture = all[0]?.architecture;
  const images = new Map(all.flatMap((each) => each.images).map((image) => [image.id, image]));
  return { ...(architecture !== undefined && { architecture }), images: [...images.values()] };
}
