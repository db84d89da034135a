import { expect, it } from 'vitest';
import { parseDuration } from '../../../src/config/parse-duration.ts';

it.each([
  ['1s', 1],
  ['90s', 90],
  ['15m', 900],
  ['1h', 3_600],
  ['30d', 2_592_000],
  ['999999s', 999_999],
])('%s is %d seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

it.each(['', '0s', '05m', '1', 'h', '1.5h', '-1h', '+1h', '1 h', '1H', '1w', '1h30m', '1000000s', '1h\n', '1e3s'])(
  '%j is no duration, and the error says what is',
  (text) => {
    expect(() => parseDuration(text)).toThrow(`"${text}" is not a duration; write 90s, 15m, 1h or 30d.`);
  },
);
