import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { iterateStream } from '../../../../src/engine/docker/streams/iterate-stream.ts';
import { paceStream } from '../../../../src/engine/docker/streams/pace-stream.ts';

/** The lines of a stream of the engine, read at its pace. */
function follow(source: PassThrough): AsyncIterator<string> {
  const lines = iterateStream<string>(
    {
      open: (signal) => Promise.resolve(paceStream(source, signal)),
      read: (chunk, sink) => sink.push(chunk.toString()),
      toError: (error) => error,
    },
    new AbortController().signal,
  );
  return lines[Symbol.asyncIterator]();
}

const closeOf = (stream: PassThrough) => new Promise<void>((resolve) => stream.once('close', resolve));

describe('a paced stream', () => {
  it('is closed at the engine when its follower leaves, although nothing is written', async () => {
    const source = new PassThrough();
    const lines = follow(source);
    source.write('first');
    expect(await lines.next()).toEqual({ value: 'first', done: false });
    const waiting = lines.next();
    const closed = closeOf(source);
    await lines.return?.();
    await Promise.all([closed, waiting]);
  });

  it('is closed when its follower leaves before it is read', async () => {
    const source = new PassThrough();
    const following = new AbortController();
    const closed = closeOf(source);
    const paced = paceStream(source, following.signal);
    following.abort();
    paced.destroy();
    await closed;
  });
});
