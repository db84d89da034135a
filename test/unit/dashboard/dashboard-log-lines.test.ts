import { describe, expect, it } from 'vitest';
import { LogLines, MOST_LINES } from '../../../dashboard/telemetry/log-lines.ts';

const at = '2026-11-24T09:30:00.000Z';
const line = (text: string) => ({ at, stream: 'stdout', text, cursor: `after ${text}` });
const textsOf = (lines: LogLines): string[] => lines.toArray().map(({ text }) => text);

describe('the lines of a log', () => {
  it('are another array each time they are drawn, and one that was handed out stays as it is', () => {
    const lines = new LogLines();
    lines.add(line('one'));
    const drawn = lines.toArray();
    lines.add(line('two'));
    expect(lines.toArray()).not.toBe(drawn);
    expect([drawn.map(({ text }) => text), textsOf(lines)]).toEqual([['one'], ['one', 'two']]);
  });

  it('say where a stream that was cut goes on', () => {
    const lines = new LogLines();
    const before = lines.cursor;
    for (const text of ['one', 'two']) lines.add(line(text));
    expect([before, lines.cursor, new LogLines(lines.toArray()).cursor]).toEqual([undefined, 'after two', 'after two']);
  });

  it('keep their ids when an earlier stream is continued, and the oldest are dropped', () => {
    const first = new LogLines();
    for (let n = 1; n <= MOST_LINES + 10; n += 1) first.add(line(`${n}`));
    const before = first.toArray();
    expect([before.length, before[0]?.text]).toEqual([MOST_LINES, '11']);
    const second = new LogLines(before);
    second.add(line('next'));
    expect(second.toArray().at(-1)?.id).toBe(MOST_LINES + 11);
  });
});
