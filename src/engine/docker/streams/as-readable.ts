import { Readable } from 'node:stream';

/** Narrows the client's stream, whose type is too wide. Throws a TypeError if the engine's answer is no stream. */
export function asReadable(stream: unknown): Readable {
  if (!(stream instanceof Readable)) throw new TypeError('its answer is no stream.');
  return stream;
}
