import { describe, expect, it } from 'vitest';
import { newsOf } from '../../../dashboard/frame/news-of.ts';
import { failingIn, failingOf, primaryCommandOf } from '../../../dashboard/vms/vm-facts.ts';
import { statusWords } from '../../../dashboard/words/status.ts';
import type { Vm, VmFailure, VmStatus } from '../../../dashboard/api/vm-fields.ts';

const failure = (step: VmStatus, code = 'APP_EXITED'): VmFailure => ({ step, code }) as VmFailure;

describe('the command that a VM offers', () => {
  it.each([
    ['STOPPED', 'start'],
    ['QUEUED', undefined],
    ['BOOTING', undefined],
    ['RUNNING', 'open'],
    ['DEGRADED', 'open'],
    ['UNKNOWN', 'open'],
    ['STOPPING', undefined],
    ['DELETING', undefined],
    ['FAILED', 'tryNow'],
  ] as const)('in %s is %s', (status, command) => {
    expect(primaryCommandOf({ status, lastFailure: null })).toBe(command);
  });

  it('is no start while its data is gone, and one again after a stop', () => {
    const lastFailure = failure('QUEUED', 'DATA_LOST');
    expect(primaryCommandOf({ status: 'FAILED', lastFailure })).toBeUndefined();
    expect(primaryCommandOf({ status: 'STOPPED', lastFailure })).toBe('start');
  });
});

describe('a failure', () => {
  it.each([
    ['BOOTING', 'It did not start'],
    ['QUEUED', 'It did not start'],
    ['RUNNING', 'It stopped unexpectedly'],
    ['DEGRADED', 'It stopped unexpectedly'],
    ['UNKNOWN', 'It stopped unexpectedly'],
    ['STOPPING', 'It could not be stopped'],
  ] as const)('in %s is called: %s', (step, sentence) => {
    expect(statusWords.statusOf('FAILED', failingOf({ lastFailure: failure(step) }))).toBe(sentence);
    expect(statusWords.statusOf('FAILED', failingIn(step))).toBe(sentence);
  });
});

describe('news', () => {
  const at = '2026-11-24T09:30:00.000Z';
  const event = (status: VmStatus, previousStatus: VmStatus, vmStatus = status) => ({
    kind: 'CHANGED' as const,
    status,
    previousStatus,
    at,
    vm: { vmlabel: 'Blender', status: vmStatus } as Vm,
  });
  const textAfter = (seconds: number, ...states: Parameters<typeof event>): string | undefined =>
    newsOf(event(...states), Date.parse(at) + seconds * 1_000)?.text;

  it('are a boot that ends, and a failure', () => {
    expect(textAfter(1, 'RUNNING', 'BOOTING')).toBe('Blender is running.');
    expect(textAfter(1, 'FAILED', 'BOOTING')).toBe('Blender did not start.');
    expect(textAfter(1, 'FAILED', 'RUNNING')).toBe('Blender stopped unexpectedly.');
    expect(textAfter(1, 'RUNNING', 'DEGRADED')).toBeUndefined();
  });

  it('are the first failure of a start that is tried again and again', () => {
    const { vm, ...rest } = event('FAILED', 'BOOTING');
    const failing = (attempt: number) =>
      newsOf({ ...rest, vm: { ...vm, boot: { steps: [{ attempt }] } } as Vm }, Date.parse(at))?.text;
    expect([failing(1), failing(2)]).toEqual(['Blender did not start.', undefined]);
  });

  it('are not what happened long ago, or is over: a window that is seen again gets all events since', () => {
    expect(textAfter(90, 'RUNNING', 'BOOTING')).toBeUndefined();
    expect(textAfter(1, 'FAILED', 'BOOTING', 'RUNNING')).toBeUndefined();
  });
});
