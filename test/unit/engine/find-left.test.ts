import { expect, it } from 'vitest';
import type { ClusterNode } from '../../../src/engine/cluster/nodes/cluster-node.ts';
import { findLeft } from '../../../src/engine/cluster/observe/list-machines.ts';
import type { Inventory } from '../../../src/engine/engine-reports.ts';
import type { Place } from '../../../src/engine/placer.ts';

const node = (id: string) => ({ id }) as ClusterNode;
const having = (id: string): Inventory => ({
  machines: [{ id, ref: 'ref', hash: 'hash', state: 'running', oomKilled: false, labels: {} }],
  volumes: [],
});
const [one, two] = [node('n1'), node('n2')];

it.each<[string, Record<string, Place>, string[], string[]]>([
  ['is left where its place is not', { vm: { nodeId: 'n2', isLasting: false } }, ['n1', 'n2'], ['n1']],
  ['is not left where its place is', { vm: { nodeId: 'n1', isLasting: false } }, ['n1', 'n2'], ['n2']],
  ['stays while its place is away', { vm: { nodeId: 'n2', isLasting: false } }, ['n1'], []],
  ['stays while it has no place', { vm: { isLasting: false } }, ['n1', 'n2'], []],
  ['stays if nothing is known of it', {}, ['n1', 'n2'], []],
])('a machine %s', (_what, places, there, expected) => {
  const listed = [one, two].filter(({ id }) => there.includes(id)).map((each) => [each, having('vm')] as const);
  const left = findLeft(listed, new Map(Object.entries(places)), new Set(there));
  expect(left.map(([{ id }, vm]) => [id, vm])).toEqual(expected.map((id) => [id, 'vm']));
});
