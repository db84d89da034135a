import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { untilDrained } from '../../../src/http/response/until-drained.ts';

/** A stream that takes one byte at a time, and has more than that. */
function full(): PassThrough {
  const stream = new PassThrough({ highWaterMark: 1 });
  stream.write('more');
  return stream;
}
const listeners = (stream: PassThrough) => ['drain', 'close'].map((name) => stream.listenerCount(name));

it('untilDrained waits for the reader and leaves no listeners', async () => {
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

it('untilDrained resolves when the stream is closed', async () => {
  const stream = full();
  const before = listeners(stream);
  const drained = untilDrained(stream);
  stream.destroy();
  await drained;
  expect(listeners(stream)).toEqual(before);
  await untilDrained(stream);
});

it('untilDrained resolves at once if the stream accepts more', async () => {
  await untilDrained(new PassThrough());
});
