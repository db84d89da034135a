import { STATUS_CODES } from 'node:http';

/** The bytes of an answer for a socket that no ServerResponse writes to; the connection closes after it. */
export function rawAnswer(status: number, headers: readonly (readonly [string, string])[], body: string): string {
  const all = [...headers, ['Content-Length', String(Buffer.byteLength(body))], ['Connection', 'close']];
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
