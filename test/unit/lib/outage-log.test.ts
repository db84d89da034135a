import { pino } from 'pino';
import { expect, it } from 'vitest';
import { OutageLog } from '../../../src/lib/outage-log.ts';

type Call = readonly ['failed' | 'answered', atSeconds: number, since?: number];

it.each<{ name: string; calls: readonly Call[]; said: readonly unknown[] }>([
  {
    name: 'writes nothing while calls are answered',
    calls: [
      ['answered', 0],
      ['answered', 9],
    ],
    said: [],
  },
  {
    name: 'writes the start of an outage once',
    calls: [
      ['failed', 1],
      ['failed', 2],
      ['failed', 9],
    ],
    said: ['the database does not answer'],
  },
  {
    name: 'writes the end with the length from the first failure to the first answer after the last failure',
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
    name: 'counts the length from the time that the outage began by the first failure',
    calls: [
      ['failed', 15, 0],
      ['failed', 18, 3],
      ['answered', 20],
      ['answered', 30],
    ],
    said: ['the database does not answer', { seconds: 20, msg: 'the database answers again' }],
  },
  {
    name: 'counts alternating answers and failures as one outage',
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
    name: 'writes the start of the next outage',
    calls: [
      ['failed', 1],
      ['answered', 2],
      ['answered', 12],
      ['failed', 60],
    ],
    said: [
      'the database does not answer',
      { seconds: 1, msg: 'the database answers again' },
      'the database does not answer',
    ],
  },
])('an outage log $name', ({ calls, said }) => {
  const lines: { msg: string; seconds?: number; err?: { message: string } }[] = [];
  let now = 0;
  const outage = new OutageLog(
    pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) }),
    'the database',
    () => now * 1_000,
  );
  for (const [call, at, since] of calls) {
    now = at;
    if (call === 'failed') outage.failed(new Error(`at ${at}`), since === undefined ? undefined : since * 1_000);
    else outage.answered();
  }
  expect(lines.map(({ msg, seconds }) => (seconds === undefined ? msg : { seconds, msg }))).toEqual(said);
});
