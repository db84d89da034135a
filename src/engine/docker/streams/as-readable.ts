import { Readable } from 'node:stream';

/**
 * The client's stream by what it is: it is typed as less. Throws a TypeError when the engine's answer was no stream.
 */
export function asReadable(stream: unknown): Readable {
  if (!(stream instanceof Readable)) throw new TypeError('its answer is no stream.');
  return stream;
}
