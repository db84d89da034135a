import type { Readable } from 'node:stream';
import { PushQueue } from '../../../lib/concurrency/push-queue.ts';

export interface Sink<T> {
  push(item: T): void;
  /** Ends the iteration after the pushed items. */
  end(): void;
}

export interface StreamSource<T> {
  /** Asks the engine for the stream. */
  open(signal: AbortSignal): Promise<Readable>;
  /** Parses a chunk and pushes its items, now or later. May throw. */
  read(chunk: Buffer, sink: Sink<T>, signal: AbortSignal): void;
  /** Opens a second stream after the regular end of the first. */
  reopen?(signal: AbortSignal): Promise<Readable>;
  /** Called at the regular end of the last stream: pushes the rest, or throws if the stream should not end. */
  atEnd?(sink: Sink<T>): void;
  /** Translates an error of `open`, `read`, `atEnd` or the stream. */
  toError(error: unknown): unknown;
}

/**
 * Iterates over the items of an engine's stream with backpressure. Opens with the first `next()`. `return()` closes the
 * connection at once, even while a `next()` waits. So does an abort of `signal`, which ends the iteration with its
 * reason.
 */
export function iterateStream<T>(source: StreamSource<T>, signal: AbortSignal): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => startIteration(source, signal) };
}

function startIteration<T>(source: StreamSource<T>, signal: AbortSignal): AsyncIterator<T, undefined> {
  const closing = new AbortController();
  let stream: Readable | undefined;
  let opened = false;
  let reopened = source.reopen === undefined;
  let asked = 0;
  let pushed = 0;

  const onAbort = () => queue.fail(signal.reason);
  const queue = new PushQueue<T>({
    limit: Number.POSITIVE_INFINITY,
    onClose: () => {
      signal.removeEventListener('abort', onAbort);
      closing.abort();
      stream?.destroy();
    },
  });
  const sink: Sink<T> = {
    push: (item) => {
      if (queue.push(item)) pushed += 1;
    },
    end: () => queue.end(),
  };
  const fail = (error: unknown) => queue.fail(signal.aborted ? signal.reason : source.toError(error));
  const failOnThrow = (work: () => void) => {
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };

  const attach = (readable: Readable) => {
    // First, because an error without a listener would end the process.
    readable.on('error', fail);
    if (closing.signal.aborted) {
      readable.destroy();
      return;
    }
    stream = readable;
    readable.on('data', (chunk: Buffer) => {
      failOnThrow(() => source.read(chunk, sink, closing.signal));
      if (pushed >= asked) readable.pause();
    });
    readable.on('end', () => failOnThrow(onEnd));
    readable.on('close', () => {
      if (!readable.readableEnded) fail(new Error('premature close'));
    });
  };

  const onEnd = () => {
    if (!reopened && source.reopen !== undefined) {
      reopened = true;
      source.reopen(closing.signal).then(attach, fail);
      return;
    }
    source.atEnd?.(sink);
    queue.end();
  };

  const open = () => {
    opened = true;
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else source.open(closing.signal).then(attach, fail);
  };

  return {
    next: async () => {
      asked += 1;
      if (!opened) open();
      else if (asked > pushed) stream?.resume();
      const result = await queue.next();
      return result.done === true ? { value: undefined, done: true } : result;
    },
    return: async () => {
      await queue.return();
      return { value: undefined, done: true };
    },
  };
}
