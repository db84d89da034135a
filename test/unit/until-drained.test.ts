import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { untilDrained } from '../../src/http/until-drained.ts';

/** A stream that takes one byte at a time, and has more than that. */
function full(): PassThrough {
  const stream = new PassThrough({ highWaterMark: 1 });
  stream.write('more');
  return stream;
}
const listeners = (stream: PassThrough) => ['drain', 'close'].map((name) => stream.listenerCount(name));

it('waits until the reader has taken what there is, and leaves no listener, however often it waits', async () => {
  const stream = full();
  const before = listeners(stream);
  for (let wait = 0; wait < 20; wait += 1) {
    const drained = untilDrained(stream);
    stream.read();
    await drained;
    stream.write('more');
  }
  expect(listeners(stream)).toEqual(before);
});

it('waits no longer than the stream lives', async () => {
  const stream = full();
  const before = listeners(stream);
  const drained = untilDrained(stream);
  stream.destroy();
  await drained;
  expect(listeners(stream)).toEqual(before);
  await untilDrained(stream);
});

it('does not wait for a stream that takes more', async () => {
  await untilDrained(new PassThrough());
});
