import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { responseHeaders } from './forward-headers.ts';
import { joinSockets } from './join-sockets.ts';
import type { Held, TargetPool } from './target-pools.ts';
import type { Ticket } from './tickets.ts';

/**
 * A response on the bare socket of an upgrade request, for every answer but 101; the connection closes after it. Undefined (and
 * the socket destroyed) when an earlier response still occupies the socket.
 */
export function responseOnSocket(req: IncomingMessage): ServerResponse | undefined {
  const { socket } = req;
  // Node takes its own listener away before it hands over the socket.
  socket.on('error', () => undefined);
  const res = new ServerResponse(req);
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

/** Destroys the socket when the client hangs up before the app has agreed: it may stay half open, and then tells nobody. Returns what ends the watch. */
export function watchHangUp(socket: Socket): () => void {
  const hangUp = () => socket.destroy();
  socket.once('end', hangUp);
  return () => socket.off('end', hangUp);
}

/** Both ends of a WebSocket whose app has said 101, and the bytes that each sent along with its headers. */
export interface Handshake {
  readonly res: ServerResponse;
  readonly client: Socket;
  readonly clientHead: Buffer;
  readonly answer: IncomingMessage;
  readonly upstream: Socket;
  readonly upstreamHead: Buffer;
  readonly pool: TargetPool;
  readonly ticket?: Ticket | undefined;
  readonly onClosed: () => void;
}

/** Passes the 101 on and joins the two sockets; they are cut when the target goes, or the ticket ends. */
export function openTunnel({ res, client, clientHead, answer, upstream, upstreamHead, pool, ticket, onClosed }: Handshake): void {
  res.detachSocket(client);
  const headers = [...responseHeaders(answer.rawHeaders), 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ''}`] : []));
  client.write(`HTTP/1.1 101 ${answer.statusMessage ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  client.write(upstreamHead);
  upstream.write(clientHead);
  const cut = joinSockets(client, upstream, () => {
    pool.release(held);
    onClosed();
  });
  const held: Held = { end: cut, until: ticket?.until, place: -1 };
  pool.hold(held);
}
