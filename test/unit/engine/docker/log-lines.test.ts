import { describe, expect, it } from 'vitest';
import { LogLines, MAX_LINE_BYTES } from '../../../../src/engine/docker/observe/log-lines.ts';

const at = (second: number) => `2026-01-02T03:04:0${second}.000000007Z`;
const frame = (stream: 1 | 2, text: string) => {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

describe('the lines of a log', () => {
  const bytes = Buffer.concat([
    frame(1, `${at(1)} žluť\r\n`),
    frame(1, `${at(2)} one `),
    frame(2, `${at(3)} aside\n`),
    frame(1, `${at(2)} line\n`),
    frame(1, `${at(4)} \n`),
    frame(2, `${at(5)} unfinished`),
  ]);
  const expected = [
    { at: new Date(at(1)), stream: 'stdout', text: 'žluť' },
    { at: new Date(at(3)), stream: 'stderr', text: 'aside' },
    { at: new Date(at(2)), stream: 'stdout', text: 'one line' },
    { at: new Date(at(4)), stream: 'stdout', text: '' },
    { at: new Date(at(5)), stream: 'stderr', text: 'unfinished' },
  ];

  it('are the same however the stream is cut', () => {
    for (let size = 1; size <= bytes.length; size += 1) {
      const lines = new LogLines();
      const seen = [];
      for (let start = 0; start < bytes.length; start += size)
        seen.push(...lines.push(bytes.subarray(start, start + size)));
      expect([...seen, ...lines.end()]).toEqual(expected);
    }
  });

  it('come once when a second stream repeats the end of the first, wherever that one broke off', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const lines = new LogLines();
      const seen = [...lines.push(bytes.subarray(0, cut))];
      const since = lines.expectRepetition();
      expect(since).toBe(cut < frame(1, `${at(1)} žluť\r\n`).length ? undefined : at(1));
      seen.push(...lines.push(bytes), ...lines.end());
      expect(seen).toEqual(expected);
    }
  });

  it('are cut when they are huge, and the next line is whole', () => {
    const lines = new LogLines();
    const seen = [1, 2, 3].flatMap(() => lines.push(frame(1, `${at(1)} ${'ž'.repeat(8000)}`)));
    seen.push(...lines.push(frame(1, `${at(1)} end\n`)), ...lines.push(frame(1, `${at(2)} next\n`)));
    expect(seen.map(({ text }) => text)).toEqual(['ž'.repeat(MAX_LINE_BYTES / 2), 'next']);
  });

  it('that are not admitted are left out as a whole, and are asked for once', () => {
    const asked: number[] = [];
    const lines = new LogLines((size) => asked.push(size) > 1);
    const seen = lines.push(bytes.subarray(frame(1, `${at(1)} žluť\r\n`).length));
    expect([...seen, ...lines.end()].map(({ text }) => text)).toEqual(['aside', '', 'unfinished']);
    expect(asked).toEqual([4, 6, 1, 10]);
  });

  it('are not guessed from what is no log', () => {
    expect(() => new LogLines().push(Buffer.from('<html>welcome</html>'))).toThrow(RangeError);
  });
});
