import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from '../eventually.ts';
import type { TestGateway } from '../gateway/gateway.ts';

/** A terminal as the page opens it. */
export interface OpenTerminal {
  readonly socket: WebSocket;
  type(text: string): void;
  send(message: object): void;
  /** Waits until it shows the text. */
  shows(text: string): Promise<void>;
  /** Says what it has read from now on, as the page does. */
  read(): void;
  /** How many bytes came. */
  bytes(): number;
  /** Resolves when it is closed. */
  readonly closed: Promise<{ readonly code: number; readonly words: string }>;
}

/** Rejects with the status of the answer if it is no WebSocket. Without `reads` it is a page that does not read. */
export async function openTerminal(
  gateway: Pick<TestGateway, 'port'>,
  { host, cookie, origin }: { host: string; cookie: string; origin?: string },
  { reads: readsAtOnce = true } = {},
): Promise<OpenTerminal> {
  const headers = { host, cookie, ...(origin !== undefined && { origin }) };
  const url = `ws://127.0.0.1:${gateway.port}/.swiftor/terminal?columns=90&rows=30`;
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  let shown = '';
  let bytes = 0;
  let reads = readsAtOnce;
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
    shown = (shown + data.toString('latin1')).slice(-100_000);
    if (reads) socket.send(JSON.stringify({ read: data.length }));
  });
  const closed = once(socket, 'close').then(([code, words]) => ({ code: Number(code), words: String(words) }));
  const refused = once(socket, 'unexpected-response').then(([, { statusCode }]) => {
    throw new Error(`refused: ${statusCode}`);
  });
  await Promise.race([once(socket, 'open'), refused]);
  refused.catch(() => undefined);
  return {
    socket,
    closed,
    type: (text) => socket.send(Buffer.from(text)),
    send: (message) => socket.send(JSON.stringify(message)),
    shows: async (text) => void (await eventually(() => shown.includes(text))),
    read() {
      reads = true;
      socket.send(JSON.stringify({ read: bytes }));
    },
    bytes: () => bytes,
  };
}
