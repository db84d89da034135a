import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Upstream } from '../routing/resolution.ts';
import type { Ticket } from '../access/ticket.ts';
import { joinSockets } from './join-sockets.ts';

/**
 * Creates a response on the socket of an upgrade request, for any answer but 101; the connection closes after it. If an
 * earlier response still occupies the socket, destroys the socket and returns undefined.
 */
export function responseOnSocket(req: IncomingMessage): ServerResponse | undefined {
  const { socket } = req;
  const res = new ServerResponse(req);
  // The server adds error listeners only to the responses that it creates itself.
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

/**
 * Destroys the socket if the client ends it before the app has accepted: a half-open socket emits no `close`. Returns a
 * function that cancels this.
 */
export function destroyOnEnd(socket: Socket): () => void {
  const destroy = () => socket.destroy();
  socket.once('end', destroy);
  return () => socket.off('end', destroy);
}

/** A WebSocket that the app has accepted with 101. */
export interface Tunnel {
  readonly res: ServerResponse;
  readonly client: Socket;
  /** Bytes that the client sent immediately after its request. */
  readonly clientHead: Buffer;
  readonly app: Duplex;
  /** The headers of the app's response, as a flat list. */
  readonly headers: readonly string[];
  readonly target: Upstream;
  readonly ticket: Ticket | undefined;
  readonly closing: AbortSignal;
  readonly onClosed: () => void;
}

/** Forwards the 101 and joins the two sockets, until the target aborts, the access ends or the ingress closes. */
export function openTunnel({ res, client, clientHead, app, headers, target, ticket, closing, onClosed }: Tunnel): void {
  res.detachSocket(client);
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ''}\r\n`] : []));
  client.write(
    `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    'latin1',
  );
  app.write(clientHead);
  target.load.open += 1;
  const cut = joinSockets(client, app as Socket, () => {
    for (const signal of [target.signal, closing]) signal.removeEventListener('abort', cut);
    endWatch?.();
    target.load.open -= 1;
    onClosed();
  });
  const endWatch = ticket?.onEnd(cut);
  for (const signal of [target.signal, closing]) {
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
  }
}
