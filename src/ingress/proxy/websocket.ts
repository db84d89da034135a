import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Upstream } from '../routing/resolution.ts';
import type { Ticket } from '../access/tickets.ts';
import { joinSockets } from './join-sockets.ts';

/**
 * A response on the bare socket of an upgrade request, for every answer but 101; the connection closes after it. Undefined (and
 * the socket destroyed) when an earlier response still occupies the socket.
 */
export function responseOnSocket(req: IncomingMessage): ServerResponse | undefined {
  const { socket } = req;
  const res = new ServerResponse(req);
  // The server hears only of errors of replies that are its own.
  res.on('error', () => undefined);
  res.shouldKeepAlive = false;
  try {
    res.assignSocket(socket);
  } catch {
    socket.destroy();
    return undefined;
  }
  const onDrain = () => res.emit('drain');
  socket.on('drain', onDrain);
  res.once('finish', () => {
    socket.off('drain', onDrain);
    res.detachSocket(socket);
    socket.destroySoon();
  });
  return res;
}

/** Destroys the socket when the client hangs up before the app has agreed: a half-open socket emits no `close`. Returns what ends the watch. */
export function abortOnHangUp(socket: Socket): () => void {
  const hangUp = () => socket.destroy();
  socket.once('end', hangUp);
  return () => socket.off('end', hangUp);
}

/** Both ends of a WebSocket that the app has accepted with 101. */
export interface Tunnel {
  readonly res: ServerResponse;
  readonly client: Socket;
  /** Bytes that the client sent right behind its request. */
  readonly clientHead: Buffer;
  readonly app: Duplex;
  /** Of the app's answer, flat. */
  readonly headers: readonly string[];
  readonly target: Upstream;
  readonly ticket: Ticket | undefined;
  readonly closing: AbortSignal;
  readonly onClosed: () => void;
}

/** Passes the 101 on and joins the two sockets. They are cut when the target goes, the ticket ends or the ingress closes. */
export function openTunnel({ res, client, clientHead, app, headers, target, ticket, closing, onClosed }: Tunnel): void {
  res.detachSocket(client);
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ''}\r\n`] : []));
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 'latin1');
  app.write(clientHead);
  target.load.open += 1;
  const cut = joinSockets(client, app as Socket, () => {
    for (const signal of [target.signal, closing]) signal.removeEventListener('abort', cut);
    clearTimeout(expiry);
    target.load.open -= 1;
    onClosed();
  });
  const expiry = ticket && setTimeout(cut, Math.min(ticket.until - Date.now(), 2 ** 31 - 1)).unref();
  for (const signal of [target.signal, closing]) {
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
  }
}
