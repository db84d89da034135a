import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors.ts';

const DEADLINE_MS = 10_000;

/**
 * The request's whole body. PAYLOAD_TOO_LARGE past `limit` bytes, whether announced or only sent; BAD_USER_INPUT when
 * it does not arrive within 10 s, or is cut.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  const deadline = setTimeout(() => request.destroy(new Error('deadline')), DEADLINE_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('BAD_USER_INPUT', 'The body did not arrive whole.', { cause: error });
  } finally {
    clearTimeout(deadline);
  }
  return Buffer.concat(chunks);
}

function tooLarge(limit: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `A body has at most ${limit} bytes.`);
}
