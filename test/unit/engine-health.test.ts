import { expect, it } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.ts';
import { toEngineHealth, toWalls, withDisk, withOrphans } from '../../src/reconciler/watch/engine-health.ts';

it.each([
  [false, 'isolated', 'unreachable', 'ENGINE_UNREACHABLE'],
  [true, undefined, 'ok', undefined],
  [true, 'isolated', 'ok', undefined],
  [true, 'open', 'OPEN, for VM_ISOLATION=off: VMs reach each other, the host and private networks', undefined],
  [true, { failure: 'no iptables' }, 'isolation cannot be had: no iptables', 'ISOLATION_FAILED'],
] as const)('an engine that answers (%s) with walls %j', (isAnswering, walls, summary, problem) => {
  expect(toEngineHealth(isAnswering, walls)).toEqual({ summary, canStart: problem === undefined, ...(problem && { problem }) });
});

it('an engine whose disk is full starts nothing new; what else is wrong with it comes first', () => {
  const ok = toEngineHealth(true, 'isolated');
  expect(withDisk(ok, false)).toEqual(ok);
  expect(withDisk(ok, true)).toEqual({ summary: expect.stringContaining('DISK_WATERMARK'), canStart: false, problem: 'NO_SPACE' });
  expect(withDisk(toEngineHealth(false, undefined), true)).toEqual(toEngineHealth(false, undefined));
});

it('walls that could not be asked about are what they were; those that cannot be had are down', () => {
  expect(toWalls(new EngineError('ENGINE_TIMEOUT', 'slow'), 'isolated')).toBe('isolated');
  expect(toWalls(new EngineError('ISOLATION_FAILED', 'no iptables'), 'isolated')).toEqual({ failure: 'no iptables' });
});

it.each([
  ['ok', 0, 'ok'],
  ['ok', 1, '1 of its VMs is not in the database and kept: see swiftor orphans list'],
  ['unreachable', 2, 'unreachable; 2 of its VMs are not in the database and kept: see swiftor orphans list'],
])('an engine that is %s with %i VMs without a row', (summary, count, said) => {
  for (const canStart of [true, false]) expect(withOrphans({ summary, canStart }, count)).toEqual({ summary: said, canStart });
});
