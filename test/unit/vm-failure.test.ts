import { expect, it } from 'vitest';
import { ENGINE_ERROR_CODES, EngineError } from '../../src/engine/engine-error.ts';
import {
  awayCause,
  backoffSeconds,
  engineCause,
  exitedCause,
  findUnfinishedCause,
  isEngineAway,
  notInCatalogCause,
  pastScratchCause,
  silentCause,
  toVmFailure,
} from '../../src/reconciler/failure/vm-failure.ts';

it('an app that was ended for its memory is told how much it had and what to do', () => {
  expect(exitedCause(137, true, 4)).toEqual({
    code: 'OUT_OF_MEMORY',
    reason: 'OOM',
    exitCode: 137,
    oomKilled: true,
    message: expect.stringMatching(/4 GB.*Stop the VM and give it more/),
  });
});

it('an app that crashed is told its exit code', () => {
  expect(exitedCause(1, false, 4)).toMatchObject({ code: 'APP_EXITED', reason: 'CRASH', exitCode: 1, oomKilled: false });
  expect(exitedCause(1, false, 4).message).toContain('exit code 1');
});

it('an app that was killed, by nobody knows whom, is told that it was probably for its memory', () => {
  expect(exitedCause(137, false, 4)).toMatchObject({
    code: 'APP_EXITED',
    exitCode: 137,
    oomKilled: false,
    message: expect.stringMatching(/killed.*probably for lack of memory: it has 4 GB/),
  });
});

it.each([
  [126, /may not be executed/],
  [127, /was not found/],
  [139, /segmentation fault/],
  [143, /asked to end/],
])('exit code %i is put into words', (exitCode, words) => {
  expect(exitedCause(exitCode, false, 4).message).toMatch(words);
});

it('an engine that is away is told by its region: where it is concerns only the operator', () => {
  const error = new EngineError('ENGINE_UNREACHABLE', 'The engine at tcp://10.0.0.5:2375 cannot be reached.');
  const cause = awayCause(error, 'AU');
  expect(cause).toMatchObject({ code: 'ENGINE_UNREACHABLE', reason: 'ENGINE', message: expect.stringContaining('region "AU"') });
  expect(cause.message).not.toContain('10.0.0.5');
});

it('what is stored says when it failed and when it is tried again, and no more of the cause than a person needs', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(toVmFailure(exitedCause(3, false, 4), { step: 'BOOTING', logTail: ['oh'], now, retryInSeconds: 8 })).toEqual({
    step: 'BOOTING',
    code: 'APP_EXITED',
    message: expect.stringContaining('exit code 3'),
    exitCode: 3,
    oomKilled: false,
    logTail: ['oh'],
    at: '2026-01-01T00:00:00.000Z',
    retryAt: '2026-01-01T00:00:08.000Z',
  });
});

it('an app that ended well is not said to have had an error', () => {
  expect(exitedCause(0, false, 4)).toMatchObject({ code: 'APP_EXITED', exitCode: 0 });
  expect(exitedCause(0, false, 4).message).toContain('without an error');
});

it.each([true, false])('an exit code that the engine does not know is left out (out of memory: %s)', (oomKilled) => {
  const cause = exitedCause(undefined, oomKilled, 4);
  expect(cause).not.toHaveProperty('exitCode');
  expect(cause.message).not.toContain('undefined');
});

it('a silent app is told its port and how long it had', () => {
  const { message, ...rest } = silentCause(8443, 300);
  expect(rest).toEqual({ code: 'APP_SILENT', reason: 'DEADLINE', oomKilled: false });
  expect(message).toMatch(/port 8443 within 300 seconds/);
});

it('what left the catalog is named, with its desktop where it has one', () => {
  expect(notInCatalogCause('ubuntu', 'kde')).toMatchObject({
    code: 'NOT_IN_CATALOG',
    message: expect.stringContaining('"ubuntu" with the desktop "kde"'),
  });
  expect(notInCatalogCause('blender', null).message).toMatch(/no longer has "blender";/);
});

it('what the engine says reaches the owner with its code; what is our fault does not', () => {
  expect(engineCause(new EngineError('NO_SPACE', 'The disk is full.'))).toEqual({
    code: 'NO_SPACE',
    message: 'The disk is full.',
    reason: 'ENGINE',
    oomKilled: false,
  });
  for (const error of [new TypeError('cannot read secret of undefined'), 'a text', undefined]) {
    const { code, message } = engineCause(error);
    expect(code).toBe('ENGINE_REFUSED');
    expect(message).not.toMatch(/secret|a text|undefined/);
  }
});

it('only an engine that cannot be asked is away', () => {
  const away = ENGINE_ERROR_CODES.filter((code) => isEngineAway(new EngineError(code, 'no')));
  expect(away).toEqual(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT']);
  expect(isEngineAway(new Error('ENGINE_UNREACHABLE'))).toBe(false);
  expect(isEngineAway(undefined)).toBe(false);
});

it('the wait doubles from 2 s up to a minute, for however many failures', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 11, 1_000, 1e9].map(backoffSeconds)).toEqual([2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
});

it('what a pass found and was cut before it could say so is told by the next one, with the same reason', () => {
  const now = Date.UTC(2026, 0, 1);
  const since = (seconds: number) => new Date(now + seconds * 1_000);
  const silent = silentCause(3000, 20);
  const lastFailure = toVmFailure(silent, { step: 'BOOTING', logTail: [], now, retryInSeconds: 2 });
  expect(findUnfinishedCause({ lastFailure, statusSince: since(-20) })).toEqual(silent);
  // Of an earlier status: it was told.
  expect(findUnfinishedCause({ lastFailure, statusSince: since(1) })).toBeUndefined();
  expect(findUnfinishedCause({ lastFailure: null, statusSince: since(-20) })).toBeUndefined();
  const full = pastScratchCause(10);
  const final = toVmFailure(full, { step: 'RUNNING', logTail: [], now });
  expect(findUnfinishedCause({ lastFailure: final, statusSince: since(-20) })).toEqual(full);
});
