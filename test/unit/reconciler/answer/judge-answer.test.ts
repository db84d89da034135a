import { expect, it } from 'vitest';
import { isUp, type AppAnswer } from '../../../../src/reconciler/answer/judge-answer.ts';

/** What each answer says: of an app that is to answer, of a WebSocket without a sign-in, and of one with it. */
it.each<[AppAnswer, answer: boolean, websocket: boolean, signedIn: boolean]>([
  ['nothing', false, false, false],
  ['not-http', true, false, false],
  [101, true, true, true],
  [200, true, true, true],
  [302, true, true, true],
  [400, true, true, true],
  [401, true, false, true],
  [403, true, false, true],
  [404, true, false, false],
  [426, true, true, true],
  [429, true, true, true],
  [500, false, false, false],
  [502, false, false, false],
  [503, false, false, false],
  [504, false, false, false],
])('%s', (answer, ...up) => {
  expect([isUp('answer', false, answer), isUp('websocket', false, answer), isUp('websocket', true, answer)]).toEqual(
    up,
  );
  expect(isUp('answer', true, answer)).toBe(up[0]);
});
