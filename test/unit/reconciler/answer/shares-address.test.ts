import { expect, it } from 'vitest';
import type { Inventory } from '../../../../src/engine/engine-reports.ts';
import { sharesAddress } from '../../../../src/reconciler/plan/shares-address.ts';

type Machine = Inventory['machines'][number];
const machine = (id: string, more: Partial<Machine> = {}): Machine => {
  return { id, ref: id, hash: 'hash', state: 'running', oomKilled: false, labels: {}, address: '10.0.0.2', ...more };
};
const SEEN = { id: 'vm', address: '10.0.0.2' };

it.each<[string, boolean, readonly Machine[]]>([
  ['alone', false, [machine('vm')]],
  ['beside one elsewhere', false, [machine('vm'), machine('other', { address: '10.0.0.3' })]],
  ['beside one that does not run', false, [machine('vm'), machine('other', { state: 'exited' })]],
  ['beside one with the same on another node', false, [machine('vm'), machine('other', { node: 'n1' })]],
  ['beside a running one with the same', true, [machine('vm'), machine('other')]],
])('an address %s is shared: %s', (_what, expected, machines) => {
  expect(sharesAddress(machines, SEEN)).toBe(expected);
});

it('a machine without an address shares none', () => {
  const { address: _none, ...cutOff } = machine('other');
  expect(sharesAddress([cutOff], { id: 'vm' })).toBe(false);
});
