import type { IncomingMessage } from 'node:http';
import { ApiError } from '../../errors.ts';

const DEADLINE_MS = 30_000;
/** After the grace period, a slower client is considered to be holding connections open on purpose. */
const MIN_BYTES_PER_SECOND = 1024;
const GRACE_MS = 5_000;
const CHECK_EVERY_MS = 500;

/**
 * Reads the whole body. Throws PAYLOAD_TOO_LARGE above `limit` bytes, and BAD_USER_INPUT if the body is incomplete,
 * takes longer than 30 s, or arrives slower than 1 KiB/s. After an error the rest stays unread, so the reply must close
 * the connection.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const startedAt = performance.now();
  const refuse = (cause?: unknown): void =>
    reject(new ApiError('BAD_USER_INPUT', 'The body did not arrive completely and in time.', { cause }));
  const check = (): void => {
    const elapsed = performance.now() - startedAt;
    const minimum = (elapsed / 1_000) * MIN_BYTES_PER_SECOND;
    if (elapsed > DEADLINE_MS || (elapsed > GRACE_MS && size < minimum)) refuse();
  };
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > limit) reject(tooLarge(limit));
    else chunks.push(chunk);
  };
  const onEnd = (): void => resolve(Buffer.concat(chunks));
  const onClose = (): void => {
    // Also after the end. Even an error that nobody sees costs its stack trace.
    if (!request.readableEnded) refuse();
  };
  const timer = setInterval(check, CHECK_EVERY_MS);
  request.on('data', onData).on('end', onEnd).on('error', refuse).on('close', onClose);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    // Keep the error handler: the connection may still fail.
    request.off('data', onData).off('end', onEnd).off('close', onClose);
    if (!request.complete) request.pause();
  }
}

function tooLarge(limit: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `A body has at most ${limit} bytes.`);
}
