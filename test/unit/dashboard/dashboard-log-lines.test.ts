import { describe, expect, it } from 'vitest';
import { LogLines, MOST_LINES } from '../../../dashboard/telemetry/log-lines.ts';

const line = (text: string, at = '2026-11-24T09:30:00.000Z') => ({ at, stream: 'stdout', text });
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

  it('that a resumed stream sends again are left out, however often one was written', () => {
    const lines = new LogLines();
    lines.begin();
    for (const text of ['same', 'same', 'last']) lines.add(line(text));
    lines.begin();
    expect([lines.add(line('last')), lines.add(line('new'))]).toEqual([false, true]);
    expect(textsOf(lines)).toEqual(['same', 'same', 'last', 'new']);
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
