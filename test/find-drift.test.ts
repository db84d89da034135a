import { describe, expect, test } from 'vitest';
import type { Inventory } from '../src/engine/driver.ts';
import type { MachineState } from '../src/engine/machine.ts';
import { LABEL } from '../src/engine/labels.ts';
import { findDrift, judgeOrphans, type KnownVm } from '../src/reconciler/find-drift.ts';
import { VM_STATUSES, type VmStatus } from '../src/vm/vm-status.ts';

type Machine = Inventory['machines'][number];

const machine = (id: string, state: MachineState = 'running', more: Partial<Machine> = {}): Machine => {
  return { id, ref: 'ref', hash: 'hash', state, oomKilled: false, labels: {}, address: '10.0.0.2', ...more };
};
const known = (status: VmStatus, more: Partial<KnownVm> = {}): KnownVm => {
  return { id: 'vm', status, engineRef: 'ref', address: '10.0.0.2', ...more };
};
const inventory = (machines: readonly Machine[], volumes: Inventory['volumes'] = []): Inventory => ({ machines, volumes });

describe('drift', () => {
  const UP: readonly VmStatus[] = ['RUNNING', 'DEGRADED', 'UNKNOWN'];
  const AT_REST: readonly VmStatus[] = ['STOPPED', 'FAILED'];

  test.each(UP)('is a %s VM whose container is away, not running, another, or elsewhere', (status) => {
    const { address: _none, ...cutOff } = machine('vm');
    expect(findDrift([known(status)], inventory([]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'exited')]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'paused')]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'running', { ref: 'another' })]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'running', { address: '10.0.0.3' })]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([cutOff]))).toEqual(['vm']);
    expect(findDrift([known(status, { engineRef: null, address: null })], inventory([machine('vm')]))).toEqual(['vm']);
  });

  test.each(UP)('is not a %s VM whose container runs where the row says', (status) => {
    expect(findDrift([known(status)], inventory([machine('other'), machine('vm')]))).toEqual([]);
  });

  test.each(AT_REST)('is a %s VM whose container runs', (status) => {
    const vm = known(status, { engineRef: null, address: null });
    expect(findDrift([vm], inventory([machine('vm')]))).toEqual(['vm']);
    expect(findDrift([vm], inventory([machine('vm', 'exited')]))).toEqual([]);
    expect(findDrift([vm], inventory([machine('other')]))).toEqual([]);
  });

  test.each(VM_STATUSES.filter((status) => ![...UP, ...AT_REST].includes(status)))(
    'is not a %s VM: somebody is at work on it',
    (status) => {
      expect(findDrift([known(status)], inventory([]))).toEqual([]);
      expect(findDrift([known(status)], inventory([machine('vm')]))).toEqual([]);
    },
  );

  test('names each VM that drifts, and only those', () => {
    const vms = [
      known('RUNNING', { id: 'a' }),
      known('RUNNING', { id: 'b' }),
      known('STOPPED', { id: 'c' }),
      known('STOPPED', { id: 'd' }),
    ];
    expect(findDrift(vms, inventory([machine('a'), machine('c')]))).toEqual(['b', 'c']);
  });
});

describe('orphans', () => {
  const numbered = (id: string, number: string): Machine => machine(id, 'running', { labels: { [LABEL.number]: number } });
  const many = (count: number) => Array.from({ length: count }, (_, index) => numbered(`vm-${index}`, '1'));
  const idsOf = (machines: readonly Machine[]) => machines.map(({ id }) => id);

  test('are removed when the database made all that the engine has', () => {
    const machines = [numbered('a', '7'), numbered('b', '9')];
    expect(judgeOrphans({ orphans: ['a'], inventory: inventory(machines), newestNumber: 9 })).toEqual({ remove: ['a'] });
  });

  test('are held when the engine has a VM that the database never made', () => {
    const machines = [numbered('a', '7'), numbered('b', '10')];
    expect(judgeOrphans({ orphans: ['a'], inventory: inventory(machines), newestNumber: 9 })).toEqual({
      hold: expect.stringMatching(/number 10.*only made 9.*restored from a backup or emptied/),
    });
  });

  test('are held when only a volume tells of the newer VM', () => {
    const volumes = [{ id: 'b', name: 'b-primary', labels: { [LABEL.number]: '10' } }];
    expect(judgeOrphans({ orphans: ['b'], inventory: inventory([], volumes), newestNumber: 0 })).toHaveProperty('hold');
  });

  test('are held by the newest VM, also beside one whose label is missing or no number', () => {
    const machines = [machine('a'), numbered('b', 'seven'), numbered('c', '10')];
    expect(judgeOrphans({ orphans: ['a'], inventory: inventory(machines), newestNumber: 9 })).toHaveProperty('hold');
  });

  test.each([
    { orphans: 5, of: 5, removed: true },
    { orphans: 6, of: 6, removed: false },
    { orphans: 6, of: 20, removed: true },
    { orphans: 7, of: 20, removed: false },
    { orphans: 30, of: 100, removed: true },
    { orphans: 31, of: 100, removed: false },
  ])('$orphans of $of machines without a row: removed is $removed', ({ orphans, of, removed }) => {
    const machines = many(of);
    const ids = idsOf(machines).slice(0, orphans);
    const verdict = judgeOrphans({ orphans: ids, inventory: inventory(machines), newestNumber: 1 });
    expect(verdict).toEqual(removed ? { remove: ids } : { hold: expect.stringContaining(`${orphans} of ${of} machines`) });
  });

  test('a machine and its volumes count once', () => {
    const machines = many(6);
    const volumes = machines.flatMap(({ id, labels }) => ['a', 'b', 'c'].map((name) => ({ id, name: `${id}-${name}`, labels })));
    expect(judgeOrphans({ orphans: idsOf(machines), inventory: inventory(machines, volumes), newestNumber: 1 })).toEqual({
      hold: expect.stringContaining('6 of 6'),
    });
  });
});
