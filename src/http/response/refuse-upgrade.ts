import type { Duplex } from 'node:stream';

/** Answers an upgrade request with an error and closes the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const lines = Object.entries({
    connection: 'close',
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(message),
    ...headers,
  });
  socket.end(`HTTP/1.1 ${status}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${message}`);
}
