import { describe, expect, it, vi } from 'vitest';
import { PushQueue } from '../../../src/lib/concurrency/push-queue.ts';

const queueOf = (limit = 10) => {
  const onClose = vi.fn<() => void>();
  return { queue: new PushQueue<string>({ limit, onClose }), onClose };
};
const item = (value: string) => ({ value, done: false });
const END = { value: undefined, done: true };

describe('a reader', () => {
  it('gets what was pushed, in order, whether it came before or waits', async () => {
    const { queue } = queueOf();
    queue.push('a');
    queue.push('b');
    expect([await queue.next(), await queue.next()]).toEqual([item('a'), item('b')]);
    const waiting = queue.next();
    expect(queue.push('c')).toBe(true);
    queue.push('d');
    expect([await waiting, await queue.next()]).toEqual([item('c'), item('d')]);
  });

  it('gets all that is queued, then the end, again and again', async () => {
    const { queue } = queueOf();
    queue.push('a');
    queue.end();
    expect([await queue.next(), await queue.next(), await queue.next()]).toEqual([item('a'), END, END]);
  });

  it('gets all that is queued, then the error once, then the end', async () => {
    const { queue } = queueOf();
    const error = new Error('too slow');
    queue.push('a');
    queue.fail(error);
    expect(await queue.next()).toEqual(item('a'));
    await expect(queue.next()).rejects.toBe(error);
    expect(await queue.next()).toEqual(END);
  });

  it('that waits gets the error at once, then the end', async () => {
    const { queue } = queueOf();
    const waiting = queue.next();
    queue.fail(new Error('lost'));
    await expect(waiting).rejects.toThrow('lost');
    expect(await queue.next()).toEqual(END);
  });

  it.each([
    ['an item', (queue: PushQueue<string>) => void queue.push('a'), item('a')],
    ['a preloaded item', (queue: PushQueue<string>) => queue.preload(['a', 'b']), item('a')],
    ['the end', (queue: PushQueue<string>) => queue.end(), END],
    ['an error', (queue: PushQueue<string>) => queue.fail(new Error('lost')), new Error('lost')],
    ['the end after its own return()', (queue: PushQueue<string>) => void queue.return(), END],
  ])('that waits receives %s at once', async (_what, happen, expected) => {
    const { queue } = queueOf();
    const settled = vi.fn<(result: unknown) => void>();
    void queue.next().then(settled, settled);
    queue.preload([]);
    await Promise.resolve();
    expect(settled).not.toHaveBeenCalled();
    happen(queue);
    queue.push('later');
    await vi.waitFor(() => expect(settled).toHaveBeenCalledOnce());
    expect(settled).toHaveBeenCalledWith(expected);
  });

  it('that waits gets the end at once', async () => {
    const { queue } = queueOf();
    const waiting = queue.next();
    queue.end();
    expect(await waiting).toEqual(END);
  });

  it('can be a loop, and leaving it closes the queue', async () => {
    const { queue, onClose } = queueOf();
    for (const each of ['a', 'b', 'c']) queue.push(each);
    const seen: string[] = [];
    for await (const each of queue) {
      seen.push(each);
      if (each === 'b') break;
    }
    expect(seen).toEqual(['a', 'b']);
    expect(onClose).toHaveBeenCalledTimes(1);
    expect(await queue.next()).toEqual(END);
  });
});

describe('a reader that leaves', () => {
  it('is let go at once, also while it waits, and what was queued is dropped', async () => {
    const { queue, onClose } = queueOf();
    const waiting = queue.next();
    expect(await queue.return()).toEqual(END);
    expect(await waiting).toEqual(END);
    expect(onClose).toHaveBeenCalledTimes(1);
    const other = queueOf().queue;
    other.push('a');
    await other.return();
    expect(await other.next()).toEqual(END);
  });

  it('does not meet an error that came before it left', async () => {
    const { queue } = queueOf();
    queue.fail(new Error('too slow'));
    await queue.return();
    expect(await queue.next()).toEqual(END);
  });
});

describe('a push', () => {
  it('past the limit is refused and queues nothing; room made is room again', async () => {
    const { queue } = queueOf(2);
    expect([queue.push('a'), queue.push('b'), queue.push('c')]).toEqual([true, true, false]);
    await queue.next();
    expect(queue.push('d')).toBe(true);
    expect([await queue.next(), await queue.next()]).toEqual([item('b'), item('d')]);
  });

  it('to a reader that waits needs no room', async () => {
    const { queue } = queueOf(0);
    const waiting = queue.next();
    expect([queue.push('a'), queue.push('b')]).toEqual([true, false]);
    expect(await waiting).toEqual(item('a'));
  });

  it.each<[string, (queue: PushQueue<string>) => unknown]>([
    ['ended', (queue) => queue.end()],
    ['failed', (queue) => queue.fail(new Error('over'))],
    ['left', (queue) => queue.return()],
  ])('to a queue that has %s is refused', async (_how, finish) => {
    const { queue } = queueOf();
    finish(queue);
    expect(queue.push('a')).toBe(false);
    expect((await queue.next().catch(() => END)).done).toBe(true);
  });

  it('of what was asked for before knows no limit, and comes first', async () => {
    const { queue } = queueOf(1);
    queue.preload(['a', 'b', 'c']);
    expect(queue.push('d')).toBe(false);
    expect([await queue.next(), await queue.next(), await queue.next()]).toEqual([item('a'), item('b'), item('c')]);
    expect(queue.push('e')).toBe(true);
  });

  it('of what was asked for before reaches a reader that waits already', async () => {
    const { queue } = queueOf(1);
    const waiting = queue.next();
    queue.preload(['a', 'b']);
    expect([await waiting, await queue.next()]).toEqual([item('a'), item('b')]);
  });
});

it('what the queue held on to is released exactly once, no matter who ends it and how often', async () => {
  const ways: readonly ((queue: PushQueue<string>) => unknown)[] = [
    (queue) => queue.end(),
    (queue) => queue.fail(new Error('over')),
    (queue) => queue.return(),
  ];
  for (const first of ways) {
    for (const second of ways) {
      const { queue, onClose } = queueOf();
      first(queue);
      expect(onClose).toHaveBeenCalledTimes(1);
      second(queue);
      expect(onClose).toHaveBeenCalledTimes(1);
      await queue.return();
      expect(onClose).toHaveBeenCalledTimes(1);
    }
  }
});
