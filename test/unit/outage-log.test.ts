import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createOutageLog } from '../../src/lib/outage-log.ts';

type Call = readonly ['failed' | 'answered', atSeconds: number];

it.each<{ name: string; calls: readonly Call[]; said: readonly unknown[] }>([
  {
    name: 'says nothing while all is well',
    calls: [
      ['answered', 0],
      ['answered', 9],
    ],
    said: [],
  },
  {
    name: 'says a start once',
    calls: [
      ['failed', 1],
      ['failed', 2],
      ['failed', 9],
    ],
    said: ['the database does not answer'],
  },
  {
    name: 'says the end with the length, from the first failure to the first answer after the last',
    calls: [
      ['failed', 1],
      ['failed', 8],
      ['answered', 9],
      ['answered', 18.9],
      ['answered', 19.5],
    ],
    said: ['the database does not answer', { seconds: 8, msg: 'the database answers again' }],
  },
  {
    name: 'takes answers and failures in turn for one outage',
    calls: [
      ['failed', 1],
      ['answered', 2],
      ['failed', 11],
      ['answered', 12],
      ['failed', 21],
      ['answered', 22],
      ['answered', 32],
    ],
    said: ['the database does not answer', { seconds: 21, msg: 'the database answers again' }],
  },
  {
    name: 'says the next one anew',
    calls: [
      ['failed', 1],
      ['answered', 2],
      ['answered', 12],
      ['failed', 60],
    ],
    said: ['the database does not answer', { seconds: 1, msg: 'the database answers again' }, 'the database does not answer'],
  },
])('an outage log $name', ({ calls, said }) => {
  const lines: { msg: string; seconds?: number; err?: { message: string } }[] = [];
  let now = 0;
  const outage = createOutageLog(
    pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) }),
    'the database',
    () => now * 1_000,
  );
  for (const [call, at] of calls) {
    now = at;
    if (call === 'failed') outage.failed(new Error(`at ${at}`));
    else outage.answered();
  }
  expect(lines.map(({ msg, seconds }) => (seconds === undefined ? msg : { seconds, msg }))).toEqual(said);
});
