import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmEvent } from '../../../dashboard/api/vm-events.ts';
import type { Vm } from '../../../dashboard/api/vm-fields.ts';
import { applyEvents, beginSnapshots, GapError, NOTHING, type VmState } from '../../../dashboard/vms/vm-store.ts';

const vmOf = (id: string, seq: number): Vm =>
  ({ id, vmlabel: `${id} at ${seq}`, lastEventSeq: String(seq), status: 'RUNNING', enabled: true }) as Vm;

function event(kind: VmEvent['kind'], seq: number, vmId = 'none', vm: Vm | null = vmOf(vmId, seq)): VmEvent {
  return { kind, seq: String(seq), vmId, status: 'RUNNING', previousStatus: null, reason: null, at: '', vm };
}

const end = (seq: number): VmEvent => event('SNAPSHOT_END', seq, 'none', null);
const labelsOf = ({ vms }: VmState): string[] => [...vms.values()].map(({ vmlabel }) => vmlabel).toSorted();

describe('the VMs on the screen', () => {
  it('are those of the snapshots, then change with each event', () => {
    const snapshots = [event('SNAPSHOT', 5, 'a'), event('SNAPSHOT', 7, 'b')];
    const partly = applyEvents(NOTHING, snapshots, { isFirst: true });
    expect(partly.seq, 'a stream that ends here starts over').toBeUndefined();
    const state = applyEvents(partly, [end(7), event('CREATED', 8, 'c')]);
    expect([labelsOf(state), state.seq]).toEqual([['a at 5', 'b at 7', 'c at 8'], 8]);
    const changed = applyEvents(state, [event('CHANGED', 9, 'a'), event('DELETED', 10, 'b', null)]);
    expect([labelsOf(changed), changed.seq]).toEqual([['a at 9', 'c at 8'], 10]);
  });

  it('throw at a gap, and pass over what came twice', () => {
    const state = applyEvents(NOTHING, [end(2), event('CREATED', 3, 'a')]);
    expect(() => applyEvents(state, [event('CHANGED', 5, 'a')])).toThrow(GapError);
    expect(applyEvents(state, [event('CHANGED', 3, 'a', vmOf('a', 99))])).toEqual(state);
  });

  it('take progress of a VM that is there, which has the number of the event before it', () => {
    const state = applyEvents(NOTHING, [end(2), event('CREATED', 3, 'a')]);
    const next = applyEvents(state, [event('PROGRESS', 3, 'a', vmOf('a', 4)), event('PROGRESS', 3, 'gone')]);
    expect([labelsOf(next), next.seq]).toEqual([['a at 4'], 3]);
  });

  it('stay until a new start has confirmed or replaced them', () => {
    const before = applyEvents(NOTHING, [event('SNAPSHOT', 4, 'a'), event('SNAPSHOT', 4, 'b'), end(4)]);
    const confirmed = applyEvents(beginSnapshots(before), [event('SNAPSHOT', 90, 'b')], { isFirst: true });
    expect(labelsOf(confirmed)).toEqual(['a at 4', 'b at 90']);
    expect(labelsOf(applyEvents(confirmed, [end(90)]))).toEqual(['b at 90']);
  });

  it('start over when a resumed stream begins with snapshots: its cursor was too old', () => {
    const before = applyEvents(NOTHING, [event('SNAPSHOT', 4, 'gone'), event('SNAPSHOT', 4, 'b'), end(4)]);
    const begun = applyEvents(before, [event('SNAPSHOT', 900, 'b')], { isFirst: true });
    expect([begun.seq, labelsOf(applyEvents(begun, [end(900)]))]).toEqual([undefined, ['b at 900']]);
    expect(labelsOf(applyEvents(before, [end(900)], { isFirst: true })), 'without a VM').toEqual([]);
  });

  it('are the same with and without cuts, wherever they come, if the stream resumes after the last event', () => {
    const kinds = fc.constantFrom('CREATED', 'CHANGED', 'DELETED', 'PROGRESS');
    const history = fc.array(fc.tuple(kinds, fc.constantFrom('a', 'b', 'c')), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(history, fc.array(fc.nat({ max: 40 }), { maxLength: 4 }), (steps, cuts) => {
        let seq = 0;
        const stored = steps
          .filter(([kind]) => kind !== 'PROGRESS')
          .map(([kind, vmId]) => {
            seq += 1;
            return event(kind, seq, vmId, kind === 'DELETED' ? null : vmOf(vmId, seq));
          });
        let state = applyEvents(NOTHING, [end(0)], { isFirst: true });
        for (const at of cuts) {
          const { seq: cursor = 0 } = state;
          // What the gateway sends after a cursor: stored events from there on, and progress in between.
          const rest = stored.filter((each) => Number(each.seq) > cursor).slice(0, at);
          const live = rest.flatMap((each) => [each, event('PROGRESS', Number(each.seq), each.vmId, each.vm)]);
          state = applyEvents(state, live, { isFirst: true });
        }
        const { seq: cursor = 0 } = state;
        const resumed = applyEvents(
          state,
          stored.filter((each) => Number(each.seq) > cursor),
          { isFirst: true },
        );
        const expected = new Map<string, string>();
        for (const each of stored) {
          expected.delete(each.vmId);
          if (each.vm !== null) expected.set(each.vmId, each.vm.vmlabel);
        }
        expect(labelsOf(resumed)).toEqual([...expected.values()].toSorted());
        expect(resumed.seq).toBe(seq);
      }),
    );
  });
});
