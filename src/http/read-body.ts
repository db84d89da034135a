import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors.ts';

const DEADLINE_MS = 30_000;
/** Slower than this after the first seconds is no network, but somebody who holds connections open. */
const LEAST_BYTES_PER_SECOND = 1024;
const GRACE_MS = 5_000;
const LOOK_EVERY_MS = 500;

/**
 * The request's whole body. PAYLOAD_TOO_LARGE past `limit` bytes, whether announced or only sent; BAD_USER_INPUT when it is cut, takes
 * more than 30 s, or comes slower than 1 KiB/s. What is not read stays unread: the reply has to close the connection.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const begun = performance.now();
  const refuse = (cause?: unknown): void => reject(new ApiError('BAD_USER_INPUT', 'The body did not arrive whole and in time.', { cause }));
  const look = (): void => {
    const elapsed = performance.now() - begun;
    const least = (elapsed / 1_000) * LEAST_BYTES_PER_SECOND;
    if (elapsed > DEADLINE_MS || (elapsed > GRACE_MS && size < least)) refuse();
  };
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > limit) reject(tooLarge(limit));
    else chunks.push(chunk);
  };
  const onEnd = (): void => resolve(Buffer.concat(chunks));
  const onClose = (): void => refuse();
  const timer = setInterval(look, LOOK_EVERY_MS);
  request.on('data', onData).on('end', onEnd).on('error', refuse).on('close', onClose);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    // Its error handler stays: the connection may still be cut.
    request.off('data', onData).off('end', onEnd).off('close', onClose);
    if (!request.complete) request.pause();
  }
}

function tooLarge(limit: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `A body has at most ${limit} bytes.`);
}
