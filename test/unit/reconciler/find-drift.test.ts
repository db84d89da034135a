import { describe, expect, it } from 'vitest';
import type { Inventory } from '../../../src/engine/engine-reports.ts';
import type { MachineState } from '../../../src/engine/machine.ts';
import { findDrift, type KnownVm } from '../../../src/reconciler/watch/engine/find-drift.ts';
import { VM_STATUSES, type VmStatus } from '../../../src/vm/vm-status.ts';

type Machine = Inventory['machines'][number];

const machine = (id: string, state: MachineState = 'running', more: Partial<Machine> = {}): Machine => {
  return { id, ref: 'ref', hash: 'hash', state, oomKilled: false, labels: {}, address: '10.0.0.2', ...more };
};
const known = (status: VmStatus, more: Partial<KnownVm> = {}): KnownVm => {
  return { id: 'vm', status, engineRef: 'ref', address: '10.0.0.2', node: null, ...more };
};
const inventory = (machines: readonly Machine[]): Inventory => ({ machines, volumes: [] });

describe('drift', () => {
  const UP: readonly VmStatus[] = ['BOOTING', 'RUNNING', 'DEGRADED', 'UNKNOWN'];
  const AT_REST: readonly VmStatus[] = ['STOPPED', 'FAILED'];

  it.each(UP)('includes a %s VM whose container is missing, not running, replaced or moved', (status) => {
    const { address: _none, ...cutOff } = machine('vm');
    expect(findDrift([known(status)], inventory([]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'exited')]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'paused')]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'running', { ref: 'another' })]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'running', { address: '10.0.0.3' })]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([cutOff]))).toEqual(['vm']);
    expect(findDrift([known(status)], inventory([machine('vm', 'running', { node: 'n1' })]))).toEqual(['vm']);
    expect(findDrift([known(status, { node: 'n2' })], inventory([machine('vm', 'running', { node: 'n1' })]))).toEqual([
      'vm',
    ]);
    expect(findDrift([known(status, { engineRef: null, address: null })], inventory([machine('vm')]))).toEqual(['vm']);
  });

  it.each(UP)('excludes a %s VM whose container runs where the row says', (status) => {
    expect(findDrift([known(status)], inventory([machine('other'), machine('vm')]))).toEqual([]);
    expect(findDrift([known(status, { node: 'n1' })], inventory([machine('vm', 'running', { node: 'n1' })]))).toEqual(
      [],
    );
  });

  it.each(AT_REST)('includes a %s VM whose container runs', (status) => {
    const vm = known(status, { engineRef: null, address: null });
    expect(findDrift([vm], inventory([machine('vm')]))).toEqual(['vm']);
    expect(findDrift([vm], inventory([machine('vm', 'exited')]))).toEqual([]);
    expect(findDrift([vm], inventory([machine('other')]))).toEqual([]);
  });

  it.each(VM_STATUSES.filter((status) => ![...UP, ...AT_REST].includes(status)))(
    'excludes a %s VM, which is being reconciled',
    (status) => {
      expect(findDrift([known(status)], inventory([]))).toEqual([]);
      expect(findDrift([known(status)], inventory([machine('vm')]))).toEqual([]);
    },
  );

  it('names exactly the VMs that drift', () => {
    const vms = [
      known('RUNNING', { id: 'a' }),
      known('RUNNING', { id: 'b' }),
      known('STOPPED', { id: 'c' }),
      known('STOPPED', { id: 'd' }),
    ];
    expect(findDrift(vms, inventory([machine('a'), machine('c')]))).toEqual(['b', 'c']);
  });
});
