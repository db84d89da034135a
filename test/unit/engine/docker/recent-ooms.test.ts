import { expect, it } from 'vitest';
import { observeOom } from '../../../../src/engine/docker/observe/observe-event.ts';
import { RecentOoms } from '../../../../src/engine/docker/observe/recent-ooms.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
/** A container that ran between those seconds. */
const ended = (started: number, finished: number, more: { Id?: string; Running?: boolean } = {}) => ({
  Id: more.Id ?? 'c',
  Config: {},
  State: {
    Status: 'exited',
    Running: more.Running ?? false,
    StartedAt: at(started).toISOString(),
    FinishedAt: at(finished).toISOString(),
  },
});
const oomAt = (seconds: number) => {
  const ooms = new RecentOoms();
  ooms.note('c', at(seconds).getTime());
  return ooms;
};

it('an app that ends soon after it ran out of memory ended of that', () => {
  expect(oomAt(20).explains(ended(0, 20))).toBe(true);
  expect(oomAt(20).explains(ended(0, 29))).toBe(true);
  // Told after the end.
  expect(oomAt(21).explains(ended(0, 20))).toBe(true);
});

it('one that went on for long, runs, or was not concerned, did not', () => {
  expect(oomAt(20).explains(ended(0, 31))).toBe(false);
  expect(oomAt(20).explains(ended(0, 20, { Running: true }))).toBe(false);
  expect(oomAt(20).explains(ended(0, 20, { Id: 'another' }))).toBe(false);
});

it('what happened in an earlier run says nothing about this one', () => {
  expect(oomAt(20).explains(ended(22, 24))).toBe(false);
});

it('a container that never ran is not explained', () => {
  expect(oomAt(20).explains({ Id: 'c', Config: {}, State: { Status: 'created' } })).toBe(false);
});

it('only the latest thousand containers are remembered', () => {
  const ooms = new RecentOoms();
  for (let index = 0; index <= 1000; index += 1) ooms.note(`c${index}`, at(1).getTime());
  expect([0, 1, 1000].map((index) => ooms.explains(ended(0, 2, { Id: `c${index}` })))).toEqual([false, true, true]);
});

it("an event tells whose memory ran out and when, of this installation's containers only", () => {
  const Attributes = { 'io.swiftor.vm': 'vm', 'io.swiftor.installation': 'inst' };
  const event = {
    Type: 'container',
    Action: 'oom',
    timeNano: 1_767_225_600_500_000_000,
    Actor: { ID: 'c', Attributes },
  };
  expect(observeOom(event, 'inst')).toEqual({ ref: 'c', at: Date.UTC(2026, 0, 1) + 500 });
  expect(observeOom(event, 'other')).toBeUndefined();
  expect(observeOom({ ...event, Action: 'die' }, 'inst')).toBeUndefined();
});
