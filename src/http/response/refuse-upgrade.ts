import type { Duplex } from 'node:stream';
import { rawAnswer } from './raw-answer.ts';

/** Answers an upgrade request with an error and closes the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  socket.end(rawAnswer(status, Object.entries({ 'content-type': 'text/plain', ...headers }), message));
}
