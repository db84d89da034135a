import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import type { Held } from './unsent-bytes.ts';

/**
 * The body for the app. Not the request itself: undici destroys the body of a failed request, but a client that is
 * still sending must be able to read the answer. The rest of the body is discarded. `watch` bounds what waits for an
 * app that does not read.
 */
export function forwardableBody(req: IncomingMessage, watch: (held: Held) => () => void): Readable {
  const body = new PassThrough();
  const endWatch = watch({
    pending: () => body.writableLength + body.readableLength,
    taken: () => req.socket.bytesRead,
    cut: () => void body.destroy(new Error('The app takes nothing of the body.')),
  });
  body.on('error', () => undefined);
  body.once('close', () => {
    endWatch();
    req.unpipe(body).resume();
  });
  return req.pipe(body);
}
