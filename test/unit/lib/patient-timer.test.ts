import { expect, it } from 'vitest';
import { startPatientTimer } from '../../../src/lib/concurrency/patient-timer.ts';
import { eventually } from '../../support/eventually.ts';

function start(milliseconds: number) {
  const begun = performance.now();
  const timer = { tookMs: 0, cancel: () => undefined as void };
  timer.cancel = startPatientTimer(milliseconds, () => (timer.tookMs = performance.now() - begun));
  return timer;
}

it('a process that has nothing else to do waits no longer than it was told', async () => {
  const timer = start(150);
  await eventually(() => timer.tookMs > 0);
  expect(timer.tookMs).toBeGreaterThanOrEqual(149);
  expect(timer.tookMs).toBeLessThan(2_000);
});

it('time in which the process stood still hardly counts', async () => {
  const timer = start(200);
  for (const begun = performance.now(); performance.now() - begun < 300;);
  await eventually(() => timer.tookMs > 0);
  // One step of 100 ms was used up.
  expect(timer.tookMs).toBeGreaterThanOrEqual(399);
});

it('what was cancelled does not end', async () => {
  const cancelled = start(50);
  cancelled.cancel();
  const other = start(150);
  await eventually(() => other.tookMs > 0);
  expect(cancelled.tookMs).toBe(0);
});
