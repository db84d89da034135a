import { eventually } from '../eventually.ts';
import type { RigNode, SwarmRig } from './rig.ts';

interface RawNode {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: Readonly<Record<string, unknown>>;
  readonly Status: { readonly State: string };
}

/** Changes a node as `docker node update` does, by the first manager. */
export async function updateNode(
  { nodes }: SwarmRig,
  node: RigNode,
  change: { readonly Availability?: 'active' | 'pause' | 'drain'; readonly Labels?: Readonly<Record<string, string>> },
): Promise<void> {
  const docker = managerOf(nodes).docker;
  await eventually(async () => {
    const { Version, Spec } = (await docker.getNode(node.id).inspect()) as RawNode;
    await docker.getNode(node.id).update({ version: Version.Index, ...Spec, ...change });
    return true;
  });
}

/** The node whose engine has a running container of the VM; undefined if none has. */
export async function nodeOfVm(nodes: readonly RigNode[], vmId: string): Promise<RigNode | undefined> {
  const filters = { label: [`io.swiftor.vm=${vmId}`], status: ['running'] };
  for (const node of nodes) {
    const found = await node.docker.listContainers({ filters }).catch(() => []);
    if (found.length > 0) return node;
  }
  return undefined;
}

function managerOf([first]: readonly RigNode[]): RigNode {
  if (first === undefined) throw new Error('A rig has at least one node.');
  return first;
}
