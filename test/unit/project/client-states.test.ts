import { describe, expect, it } from 'vitest';
import type { VmEvent } from '../../../client/src/watch/follow-events.ts';
import { graphql } from '../../../client/src/graphql.ts';
import { iterateStates } from '../../../client/src/watch/iterate-states.ts';
import type { Vm } from '../../../client/src/vm.ts';
import { VmList } from '../../../client/src/watch/vm-list.ts';

const vmOf = (id: string, createdAt = id): Vm => ({
  id,
  vmlabel: id,
  region: 'AU',
  os: { distribution: 'krita', desktop: null },
  specs: { cpu: 1, ram: 1, storage: false },
  enabled: false,
  status: 'STOPPED',
  progress: null,
  lastFailure: null,
  url: '',
  networking: [],
  ports: [],
  createdAt,
  startedAt: null,
  observedAt: null,
});

const eventOf = (kind: VmEvent['kind'], seq: number, vmId = '', vm: Vm | null = vmOf(vmId)): VmEvent => ({
  seq: String(seq),
  kind,
  vmId,
  status: 'STOPPED',
  previousStatus: null,
  reason: null,
  at: '2026-11-24T09:30:00.000Z',
  vm: vmId === '' || kind === 'DELETED' ? null : vm,
});

const idsOf = (list: VmList): string[] => [...list.take().vms.keys()];

/** A list that knows the VMs a and b, up to the event 2. */
function knownList(): VmList {
  const list = new VmList();
  expect(list.begin()).toBeUndefined();
  expect(list.apply(eventOf('SNAPSHOT', 2, 'b'))).toBe('same');
  expect(list.apply(eventOf('SNAPSHOT', 2, 'a'))).toBe('same');
  expect(list.apply(eventOf('SNAPSHOT_END', 2))).toBe('changed');
  return list;
}

describe('the list of VMs', () => {
  it('is known at the end of the snapshots, in order of creation, also without any', () => {
    expect(idsOf(knownList())).toEqual(['a', 'b']);
    const empty = new VmList();
    empty.begin();
    expect(empty.apply(eventOf('SNAPSHOT_END', 0))).toBe('changed');
    expect([idsOf(empty), empty.begin()]).toEqual([[], '0']);
  });

  it('tells each change once, and goes on after the last one', () => {
    const list = knownList();
    list.take();
    for (const event of [eventOf('CREATED', 3, 'c'), eventOf('DELETED', 4, 'a'), eventOf('PROGRESS', 4, 'b')])
      expect(list.apply(event)).toBe('changed');
    expect(list.begin()).toBe('4');
    expect(list.apply(eventOf('DELETED', 4, 'a'))).toBe('same');
    expect(list.apply(eventOf('REPLAY_END', 4))).toBe('same');
    const { vms, changes } = list.take();
    expect([[...vms.keys()], changes.map(({ seq, kind }) => [seq, kind])]).toEqual([
      ['b', 'c'],
      [
        [3, 'CREATED'],
        [4, 'DELETED'],
      ],
    ]);
    expect(list.take().changes).toEqual([]);
  });

  it('begins again without a cursor where an event is missing', () => {
    const list = knownList();
    expect(list.apply(eventOf('CHANGED', 4, 'a'))).toBe('gap');
    expect(list.begin()).toBeUndefined();
    // Until the snapshots are complete it is what was known.
    expect(idsOf(list)).toEqual(['a', 'b']);
  });

  it('is replaced by snapshots that come in the place of a replay, once they are complete', () => {
    const list = knownList();
    expect(list.begin()).toBe('2');
    list.apply(eventOf('SNAPSHOT', 8, 'c'));
    expect([idsOf(list), list.begin()]).toEqual([['a', 'b'], undefined]);
    list.apply(eventOf('SNAPSHOT', 8, 'c'));
    // It was read after the snapshots, and before their end.
    expect(list.apply(eventOf('CREATED', 9, 'd'))).toBe('same');
    expect(list.apply(eventOf('SNAPSHOT_END', 9))).toBe('changed');
    expect([idsOf(list), list.begin()]).toEqual([['c', 'd'], '9']);
    expect(list.apply(eventOf('SNAPSHOT_END', 20))).toBe('changed');
    expect(idsOf(list)).toEqual([]);
  });
});

describe('the iteration over states', () => {
  it('gives a slow loop the latest state, and ends when there will be no other', async () => {
    let report = (_take: () => number): void => undefined;
    let finish = (): void => undefined;
    const states = iterateStates<number>((changed) => {
      report = changed;
      return new Promise<void>((resolve) => (finish = resolve));
    });
    const first = states.next();
    report(() => 1);
    expect(await first).toEqual({ value: 1, done: false });
    for (const state of [2, 3, 4]) report(() => state);
    expect(await states.next()).toEqual({ value: 4, done: false });
    const last = states.next();
    finish();
    expect(await last).toEqual({ value: undefined, done: true });
  });

  it('ends quietly when the signal aborts, tells the source when it is left, and throws what the source throws', async () => {
    const aborting = new AbortController();
    let isLeft = false;
    const source = (_changed: unknown, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          isLeft = true;
          resolve();
        }),
      );
    const states = iterateStates(source, aborting.signal);
    const waiting = states.next();
    aborting.abort();
    expect([await waiting, isLeft]).toEqual([{ value: undefined, done: true }, true]);
    const failing = iterateStates(() => Promise.reject(new Error('no')));
    await expect(failing.next()).rejects.toThrow('no');
  });
});

it('a document has each of its fragments once', () => {
  const inner = graphql('fragment Inner on Vm { id }');
  const one = graphql('fragment One on Vm { ...Inner }', [inner]);
  const other = graphql('fragment Other on Vm { ...Inner }', [inner]);
  const text = String(graphql('query ($id: ID!) { vm(id: $id) { ...One ...Other } }', [one, other]) as unknown);
  expect(text.match(/fragment Inner/g)).toHaveLength(1);
});
