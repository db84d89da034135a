import { expect, it } from 'vitest';
import { ENGINE_ERROR_CODES, EngineError } from '../../../../src/engine/engine-error.ts';
import {
  awayCause,
  backoffSeconds,
  engineCause,
  exitedCause,
  findUnfinishedCause,
  isEngineAway,
  isNodeLost,
  notInCatalogCause,
  pastScratchCause,
  silentCause,
  toVmFailure,
} from '../../../../src/reconciler/failure/vm-failure.ts';

it('the message of an out-of-memory kill says how much memory the app had and what to do', () => {
  expect(exitedCause(137, true, 4)).toEqual({
    code: 'OUT_OF_MEMORY',
    reason: 'OOM',
    exitCode: 137,
    oomKilled: true,
    message: expect.stringMatching(/4 GB.*Stop the VM and give it more/),
  });
});

it('the message of a crash has the exit code', () => {
  expect(exitedCause(1, false, 4)).toMatchObject({
    code: 'APP_EXITED',
    reason: 'CRASH',
    exitCode: 1,
    oomKilled: false,
  });
  expect(exitedCause(1, false, 4).message).toContain('exit code 1');
});

it('the message of an unexplained kill says that memory was probably the reason', () => {
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
])('exit code %i is explained', (exitCode, words) => {
  expect(exitedCause(exitCode, false, 4).message).toMatch(words);
});

it('an engine that is away is named by its region, not by its address', () => {
  const error = new EngineError('ENGINE_UNREACHABLE', 'The engine at tcp://10.0.0.5:2375 cannot be reached.');
  const cause = awayCause(error, 'AU');
  expect(cause).toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    reason: 'ENGINE',
    message: expect.stringContaining('region "AU"'),
  });
  expect(cause.message).not.toContain('10.0.0.5');
});

it('a stored failure has the time, the time of the retry, and only what a user needs of the cause', () => {
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

it('the message of exit code 0 does not speak of an error', () => {
  expect(exitedCause(0, false, 4)).toMatchObject({ code: 'APP_EXITED', exitCode: 0 });
  expect(exitedCause(0, false, 4).message).toContain('without an error');
});

it.each([true, false])('an unknown exit code is left out (out of memory: %s)', (oomKilled) => {
  const cause = exitedCause(undefined, oomKilled, 4);
  expect(cause).not.toHaveProperty('exitCode');
  expect(cause.message).not.toContain('undefined');
});

it('the message of a silent app has its port and its deadline', () => {
  const { message, ...rest } = silentCause(8443, 300);
  expect(rest).toEqual({ code: 'APP_SILENT', reason: 'DEADLINE', oomKilled: false });
  expect(message).toMatch(/port 8443 within 300 seconds/);
});

it('a removed catalog entry is named, with its desktop if it has one', () => {
  expect(notInCatalogCause('ubuntu', 'kde')).toMatchObject({
    code: 'NOT_IN_CATALOG',
    message: expect.stringContaining('"ubuntu" with the desktop "kde"'),
  });
  expect(notInCatalogCause('blender', null).message).toMatch(/no longer has "blender";/);
});

it("an engine's refusal reaches the owner with its code, the details of our bug do not", () => {
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

it('only an engine that does not answer is away', () => {
  const away = ENGINE_ERROR_CODES.filter((code) => isEngineAway(new EngineError(code, 'no')));
  expect(away).toEqual(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT']);
  expect(isEngineAway(new Error('ENGINE_UNREACHABLE'))).toBe(false);
  expect(isEngineAway(undefined)).toBe(false);
});

it('a lost node is told in its own sentence, and is no engine that is away', () => {
  const error = new EngineError('NODE_LOST', 'The node "n2" is not there.');
  expect(isNodeLost(error)).toBe(true);
  expect(error.isRefusal).toBe(false);
  expect(awayCause(error, 'AU')).toMatchObject({ code: 'NODE_LOST', message: 'The node "n2" is not there.' });
});

it('the backoff doubles from 2 s up to a minute, after any number of failures', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 11, 1_000, 1e9].map(backoffSeconds)).toEqual([2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
});

it('the next iteration reports a failure that an interrupted one had found, with the same reason', () => {
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
