import { expect, test } from 'vitest';
import { ENGINE_ERROR_CODES, EngineError } from '../src/engine/engine-error.ts';
import { backoffSeconds, engineCause, exitedCause, isEngineAway, notInCatalogCause, silentCause } from '../src/reconciler/vm-failure.ts';

test('an app that was ended for its memory is told how much it had and what to do', () => {
  expect(exitedCause(137, true, 4)).toEqual({
    code: 'OUT_OF_MEMORY',
    reason: 'OOM',
    exitCode: 137,
    oomKilled: true,
    message: expect.stringMatching(/4 GB.*Stop the VM and give it more/),
  });
});

test('an app that crashed is told its exit code', () => {
  expect(exitedCause(1, false, 4)).toMatchObject({ code: 'APP_EXITED', reason: 'CRASH', exitCode: 1, oomKilled: false });
  expect(exitedCause(1, false, 4).message).toContain('exit code 1');
  // Killed by somebody else's hand: not memory.
  expect(exitedCause(137, false, 4)).toMatchObject({ code: 'APP_EXITED', exitCode: 137 });
});

test('an app that ended well is not said to have had an error', () => {
  expect(exitedCause(0, false, 4)).toMatchObject({ code: 'APP_EXITED', exitCode: 0 });
  expect(exitedCause(0, false, 4).message).toContain('without an error');
});

test.each([true, false])('an exit code that the engine does not know is left out (out of memory: %s)', (oomKilled) => {
  const cause = exitedCause(undefined, oomKilled, 4);
  expect(cause).not.toHaveProperty('exitCode');
  expect(cause.message).not.toContain('undefined');
});

test('a silent app is told its port and how long it had', () => {
  const { message, ...rest } = silentCause(8443, 300);
  expect(rest).toEqual({ code: 'APP_SILENT', reason: 'DEADLINE', oomKilled: false });
  expect(message).toMatch(/port 8443 within 300 seconds/);
});

test('what left the catalog is named, with its desktop where it has one', () => {
  expect(notInCatalogCause('ubuntu', 'kde')).toMatchObject({
    code: 'NOT_IN_CATALOG',
    message: expect.stringContaining('"ubuntu" with the desktop "kde"'),
  });
  expect(notInCatalogCause('blender', null).message).toMatch(/no longer has "blender";/);
});

test('what the engine says reaches the owner with its code; what is our fault does not', () => {
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

test('only an engine that cannot be asked is away', () => {
  const away = ENGINE_ERROR_CODES.filter((code) => isEngineAway(new EngineError(code, 'no')));
  expect(away).toEqual(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT']);
  expect(isEngineAway(new Error('ENGINE_UNREACHABLE'))).toBe(false);
  expect(isEngineAway(undefined)).toBe(false);
});

test('the wait doubles from 2 s up to a minute, for however many failures', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 11, 1_000, 1e9].map(backoffSeconds)).toEqual([2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
});

test('an app that ends at once is started at most 15 times in 10 minutes', () => {
  let starts = 0;
  for (let at = 0; at < 600; at += backoffSeconds(starts)) starts += 1;
  expect(starts).toBeLessThanOrEqual(15);
  expect(starts).toBeGreaterThan(10);
});
