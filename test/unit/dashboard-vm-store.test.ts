import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmEvent } from '../../dashboard/api/vm-events.ts';
import type { Vm } from '../../dashboard/api/vm-fields.ts';
import {
  applyEvents,
  beginSnapshots,
  endSnapshots,
  GapError,
  hasAll,
  NOTHING,
  type VmState,
} from '../../dashboard/live/vm-store.ts';

const vmOf = (id: string, seq: number): Vm =>
  ({ id, vmlabel: id, lastEventSeq: String(seq), status: 'RUNNING', enabled: true }) as Vm;

function event(kind: VmEvent['kind'], seq: number, vmId: string, vm: Vm | null = vmOf(vmId, seq)): VmEvent {
  return { kind, seq: String(seq), vmId, status: 'RUNNING', previousStatus: null, reason: null, at: '', vm };
}

const idsOf = ({ vms }: VmState): string[] => [...vms.keys()].toSorted();

describe('the VMs on the screen', () => {
  it('are those of the snapshots, then change with each event', () => {
    const state = applyEvents(
      NOTHING,
      [event('SNAPSHOT', 7, 'a'), event('SNAPSHOT', 7, 'b'), event('CREATED', 8, 'c')],
      {
        isFirst: true,
      },
    );
    expect(idsOf(state)).toEqual(['a', 'b', 'c']);
    expect(state.seq).toBe(8);
    expect(idsOf(applyEvents(state, [event('DELETED', 9, 'b', null)]))).toEqual(['a', 'c']);
  });

  it('throw at a gap, and pass over what came twice', () => {
    const state = applyEvents(NOTHING, [event('CREATED', 3, 'a')]);
    expect(() => applyEvents(state, [event('CHANGED', 5, 'a')])).toThrow(GapError);
    const old = vmOf('a', 3);
    expect(applyEvents(state, [event('CHANGED', 3, 'a', old)])).toEqual(state);
  });

  it('take progress, which has the number of the event before it', () => {
    const state = applyEvents(NOTHING, [event('CREATED', 3, 'a')]);
    const later = vmOf('a', 4);
    const next = applyEvents(state, [event('PROGRESS', 3, 'a', later)]);
    expect([next.vms.get('a'), next.seq]).toEqual([later, 3]);
  });

  it('stay until a new start has confirmed or replaced them', () => {
    const before = endSnapshots(applyEvents(NOTHING, [event('SNAPSHOT', 4, 'a'), event('SNAPSHOT', 4, 'b')]));
    const begun = beginSnapshots(before);
    expect(idsOf(begun)).toEqual(['a', 'b']);
    const confirmed = applyEvents(begun, [event('SNAPSHOT', 90, 'b')], { isFirst: true });
    expect([hasAll(confirmed, 1), hasAll(confirmed, 2)]).toEqual([true, false]);
    expect(idsOf(endSnapshots(confirmed))).toEqual(['b']);
  });

  it('start over when a resumed stream begins with snapshots: its cursor was too old', () => {
    const before = endSnapshots(applyEvents(NOTHING, [event('SNAPSHOT', 4, 'gone'), event('SNAPSHOT', 4, 'b')]));
    const after = applyEvents(before, [event('SNAPSHOT', 900, 'b')], { isFirst: true });
    expect([after.isComplete, [...after.unconfirmed]]).toEqual([false, ['gone']]);
  });

  it('are the same with and without a cut, wherever it comes, if the stream resumes after the last event', () => {
    const kinds = fc.constantFrom('CREATED', 'CHANGED', 'DELETED', 'PROGRESS');
    const history = fc.array(fc.tuple(kinds, fc.constantFrom('a', 'b', 'c')), { maxLength: 40 });
    fc.assert(
      fc.property(history, fc.nat(), (steps, at) => {
        let seq = 0;
        const events = steps.map(([kind, vmId]) => {
          if (kind !== 'PROGRESS') seq += 1;
          return event(kind, seq, vmId, kind === 'DELETED' ? null : vmOf(vmId, seq));
        });
        const cut = steps.length === 0 ? 0 : at % steps.length;
        const first = applyEvents(NOTHING, events.slice(0, cut));
        // What the gateway replays: every stored event after the cursor. Progress is not stored.
        const replay = events.filter(({ kind, seq: own }) => kind !== 'PROGRESS' && Number(own) > (first.seq ?? 0));
        const resumed = applyEvents(first, replay, { isFirst: true });
        const uncut = applyEvents(NOTHING, events);
        expect(idsOf(resumed)).toEqual(idsOf(uncut));
        expect(resumed.seq ?? 0).toBe(uncut.seq ?? 0);
      }),
    );
  });
});
