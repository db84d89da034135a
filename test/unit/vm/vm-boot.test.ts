import { describe, expect, it } from 'vitest';
import { nextBoot, type VmBoot } from '../../../src/vm/vm-boot.ts';
import type { VmStatus } from '../../../src/vm/vm-status.ts';

type Change = readonly [to: VmStatus, atSeconds: number, asked?: 'asked'];
type Shown = readonly [VmStatus, number | null, number];

/** What is left of the changes, one after the other, from STOPPED on: [status, seconds, attempt]. */
function bootAfter(...changes: readonly Change[]): readonly Shown[] | null {
  let boot: VmBoot | null = null;
  let from: VmStatus = 'STOPPED';
  for (const [to, at, asked] of changes) {
    boot = nextBoot(boot, { from, to, at: new Date(at * 1_000), isAsked: asked !== undefined });
    from = to;
  }
  return boot && boot.steps.map(({ status, seconds, attempt }) => [status, seconds, attempt]);
}

const START: Change = ['QUEUED', 0, 'asked'];
const UP: readonly Change[] = [START, ['STARTING', 0.25], ['BOOTING', 1], ['RUNNING', 3.5]];
const UP_STEPS: readonly Shown[] = [
  ['QUEUED', 0.25, 1],
  ['STARTING', 0.75, 1],
  ['BOOTING', 2.5, 1],
];

describe('a boot', () => {
  it.each<[string, readonly Change[], readonly Shown[] | null]>([
    ['is none before the first start', [['DELETING', 5, 'asked']], null],
    ['begins with QUEUED', [START], [['QUEUED', null, 1]]],
    ['ends what came before with each step', UP, [...UP_STEPS, ['RUNNING', null, 1]]],
    ['is kept by a VM that is DEGRADED', [...UP, ['DEGRADED', 10]], [...UP_STEPS, ['RUNNING', 6.5, 1]]],
    ['is kept by one that recovered', [...UP, ['DEGRADED', 10], ['RUNNING', 12]], [...UP_STEPS, ['RUNNING', 6.5, 1]]],
    [
      'is kept by one whose engine was away',
      [...UP, ['UNKNOWN', 10], ['RUNNING', 12]],
      [...UP_STEPS, ['RUNNING', 6.5, 1]],
    ],
    [
      'is kept by one that was stopped',
      [...UP, ['STOPPING', 10, 'asked'], ['STOPPED', 11]],
      [...UP_STEPS, ['RUNNING', 6.5, 1]],
    ],
    ['is kept by one whose app ended', [...UP, ['FAILED', 10]], [...UP_STEPS, ['RUNNING', 6.5, 1]]],
    ['is another after that', [...UP, ['FAILED', 10], ['QUEUED', 11]], [['QUEUED', null, 1]]],
    ['is another at an update', [...UP, ['QUEUED', 20]], [['QUEUED', null, 1]]],
    [
      'is another when asked for again while it lasts',
      [START, ['BOOTING', 1], ['QUEUED', 2, 'asked']],
      [['QUEUED', null, 1]],
    ],
    [
      'is another when asked for after it failed',
      [START, ['FAILED', 1], ['QUEUED', 2, 'asked']],
      [['QUEUED', null, 1]],
    ],
    [
      'goes on with its next attempt after it failed',
      [START, ['BOOTING', 1], ['FAILED', 2], ['QUEUED', 4], ['BOOTING', 4.5]],
      [
        ['QUEUED', 1, 1],
        ['BOOTING', 1, 1],
        ['FAILED', 2, 1],
        ['QUEUED', 0.5, 2],
        ['BOOTING', null, 2],
      ],
    ],
    [
      'goes on with its next attempt when a change is undone',
      [START, ['BOOTING', 1], ['QUEUED', 2]],
      [
        ['QUEUED', 1, 1],
        ['BOOTING', 1, 1],
        ['QUEUED', null, 2],
      ],
    ],
    [
      'goes on after its engine was away',
      [START, ['UNKNOWN', 1], ['BOOTING', 2]],
      [
        ['QUEUED', 1, 1],
        ['UNKNOWN', 1, 1],
        ['BOOTING', null, 1],
      ],
    ],
    [
      'ends where a stop meets it',
      [START, ['BOOTING', 1], ['STOPPING', 2, 'asked'], ['STOPPED', 3]],
      [
        ['QUEUED', 1, 1],
        ['BOOTING', 1, 1],
      ],
    ],
  ])('%s', (_what, changes, steps) => {
    expect(bootAfter(...changes)).toEqual(steps);
  });

  it('has the start time of each step', () => {
    const boot = nextBoot(null, {
      from: 'STOPPED',
      to: 'QUEUED',
      at: new Date('2026-01-02T03:04:05.678Z'),
      isAsked: true,
    });
    expect(boot?.steps[0]?.startedAt).toBe('2026-01-02T03:04:05.678Z');
  });

  it('is unchanged by a change that keeps the status', () => {
    const boot = nextBoot(null, { from: 'STOPPED', to: 'QUEUED', at: new Date(0), isAsked: true });
    expect(nextBoot(boot, { from: 'QUEUED', to: 'QUEUED', at: new Date(9), isAsked: true })).toBe(boot);
  });

  it('keeps the newest 40 steps', () => {
    const retries = Array.from({ length: 100 }, (_each, index): Change[] => [
      ['FAILED', 2 * index + 1],
      ['QUEUED', 2 * index + 2],
    ]);
    const steps = bootAfter(START, ...retries.flat());
    expect(steps).toHaveLength(40);
    expect(steps?.at(-1)).toEqual(['QUEUED', null, 101]);
  });
});
