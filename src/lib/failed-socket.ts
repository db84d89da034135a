import { Socket } from 'node:net';

/** A socket that fails with the error, for callers that expect failures as errors of the socket. */
export function failedSocket(error: Error): Socket {
  return new Socket().on('error', () => undefined).destroy(error);
}
