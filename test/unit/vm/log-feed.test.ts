import { expect, it } from 'vitest';
import { PushQueue } from '../../../src/lib/concurrency/push-queue.ts';
import { LogFeed, type LogLine, type WrittenLine } from '../../../src/vm/telemetry/log-feed.ts';
import { fromLogCursor, nextPosition, toLogCursor, type LogPosition } from '../../../src/vm/telemetry/log-position.ts';

const toLine = (text: string): WrittenLine => ({ at: new Date(0), stream: 'stdout', text });

/** A feed of a VM that has written `past`, and its app. */
function openFeed(past: readonly string[], points: number) {
  const app = new PushQueue<WrittenLine>({ limit: Number.POSITIVE_INFINITY });
  const counts = { opened: 0, ended: 0, points };
  let position: LogPosition | undefined;
  let admit: (bytes: number) => boolean = () => true;
  const feed = new LogFeed({
    async *past() {
      for (const text of past) yield toLine(text);
    },
    live(start, asked, signal) {
      counts.opened += 1;
      position = start;
      admit = asked;
      signal.addEventListener('abort', () => app.end());
      return app;
    },
    takePoints(count) {
      if (counts.points < count) return false;
      counts.points -= count;
      return true;
    },
    onEnd: () => (counts.ended += 1),
  });
  const write = (text: string) => admit(text.length) && app.push(toLine(text));
  return { feed, write, app, counts, position: () => position };
}

const textsOf = async (lines: AsyncIterator<LogLine>, count: number): Promise<string[]> => {
  const texts = [];
  for (let taken = 0; taken < count; taken += 1) texts.push(((await lines.next()).value as LogLine).text);
  return texts;
};

it('reads the engine once for all followers, each with its own tail, until the last one leaves', async () => {
  const { feed, write, counts } = openFeed(['one', 'two', 'three'], 1_000);
  const [all, some] = [feed.follow({ tail: 10 }), feed.follow({ tail: 1 })];
  expect(await textsOf(all, 3)).toEqual(['one', 'two', 'three']);
  expect(await textsOf(some, 1)).toEqual(['three']);
  write('four');
  expect(await textsOf(all, 1)).toEqual(['four']);
  const late = feed.follow({ tail: 2 });
  expect(await textsOf(late, 2)).toEqual(['three', 'four']);
  await all.return?.();
  await some.return?.();
  expect(counts).toMatchObject({ opened: 1, ended: 0 });
  await late.return?.();
  expect(counts.ended).toBeGreaterThan(0);
});

it.concurrent('leaves out what its account has no points for, and says how much', async () => {
  const { feed, write } = openFeed([], 5);
  const [one, two] = [feed.follow({ tail: 0 }), feed.follow({ tail: 0 })];
  await new Promise(setImmediate);
  for (const text of ['a', 'b', 'c', 'd']) write(text);
  for (const follower of [one, two])
    expect(await textsOf(follower, 3)).toEqual(['a', 'b', expect.stringMatching(/^At least 2 lines were left out/)]);
});

it.concurrent('tells a follower that reads too slowly what it missed', async () => {
  const { feed, write } = openFeed([], 1_000_000);
  const slow = feed.follow({ tail: 0 });
  await new Promise(setImmediate);
  for (let line = 0; line < 1_500; line += 1) write(`${line}`);
  await new Promise(setImmediate);
  const texts = await textsOf(slow, 1_001);
  expect(texts.slice(0, 2)).toEqual(['0', '1']);
  expect(texts.at(-1)).toMatch(/^At least 500 lines were left out/);
});

it('of a tail that has too few points gives the newest lines', async () => {
  const { feed } = openFeed(['one', 'two', 'three', 'four'], 2.5);
  expect(await textsOf(feed.follow({ tail: 4 }), 3)).toEqual([
    expect.stringContaining('2 lines were left out'),
    'three',
    'four',
  ]);
});

it('reads on after the lines of the last millisecond that it has', async () => {
  const { feed, position } = openFeed(['one', 'two', 'three'], 1_000);
  await textsOf(feed.follow({ tail: 10 }), 3);
  await new Promise(setImmediate);
  expect(position()).toEqual({ since: new Date(0), skip: 3 });
  expect(nextPosition(position(), { at: new Date(1) })).toEqual({ since: new Date(1), skip: 1 });
});

it('ends its followers with the error of the engine', async () => {
  const { feed, app } = openFeed([], 10);
  const follower = feed.follow({ tail: 0 });
  const next = follower.next();
  app.fail(new Error('the engine went away'));
  await expect(next).rejects.toThrow('the engine went away');
});

it('goes on behind the cursor of a line, also for a feed that was opened later', async () => {
  const written = ['one', 'two', 'three'];
  const cursorOf = (feed: LogFeed): Promise<string> =>
    feed
      .follow({ tail: 2 })
      .next()
      .then(({ value }) => (value as LogLine).cursor);
  const first = openFeed(written, 1_000);
  const cursor = await cursorOf(first.feed);
  const later = openFeed(written, 1_000);
  for (const { feed, write } of [first, later]) {
    const resumed = feed.follow({ tail: 10, after: fromLogCursor(cursor) });
    expect(await textsOf(resumed, 1)).toEqual(['three']);
    write('four');
    expect(await textsOf(resumed, 1)).toEqual(['four']);
  }
});

it('gives all lines that it has to a cursor that is older, and none twice to one that is newer', async () => {
  const { feed, write } = openFeed(['one', 'two'], 1_000);
  const at = (ms: number) => ({ tail: 0, after: { since: new Date(ms), skip: 1 } });
  expect(await textsOf(feed.follow(at(-5)), 2)).toEqual(['one', 'two']);
  const newer = feed.follow(at(5));
  await new Promise(setImmediate);
  write('three');
  expect(await textsOf(newer, 1)).toEqual(['three']);
});

it.each(['', '12', '12-', '-1-1', '1-1-1', 'x', `${'9'.repeat(16)}-1`])('a cursor is not %j', (text) => {
  expect(fromLogCursor(text)).toBeUndefined();
  expect(toLogCursor(fromLogCursor('12-3') ?? { since: new Date(0), skip: 0 })).toBe('12-3');
});
