import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { DirectConnection, type ServeRequest } from './direct-connection.ts';
import { createReplyHeads } from './reply-heads.ts';

/** How exactly the times of idle connections are kept: one look at all of them, since a timer for each costs with every piece of bytes. */
const LOOK_EVERY_MS = 500;

/**
 * Answers on the bare socket what needs no server: of each new connection the requests that `createHeadReader` reads and `serve` takes. At the
 * first other one the connection goes to Node's server with all its bytes, and stays there. Node's server takes as long for such a request as
 * all the rest of its way through the gateway. Times are the server's: `headersTimeout` to the first byte, `keepAliveTimeout` between two.
 */
export function serveDirect(
  http: Server,
  { event, serve }: { event: 'connection' | 'secureConnection'; serve: ServeRequest },
): { close(): void } {
  // Its own comes before whatever else listens. Documented is only that connections may be given to it by emitting the event.
  const [own] = http.listeners(event) as ((this: Server, socket: Socket) => void)[];
  if (own === undefined) throw new Error(`This server does not listen to its "${event}".`);
  const open = new Set<DirectConnection>();
  const writeHead = createReplyHeads({ keepSeconds: Math.floor(http.keepAliveTimeout / 1_000) });
  let isClosed = false;
  const take = (socket: Socket): void => {
    if (isClosed) socket.destroy();
    if (socket.destroyed) return;
    const connection = new DirectConnection(socket, {
      serve,
      writeHead,
      onLeft: () => void open.delete(connection),
      handOver: () => own.call(http, socket),
    });
    open.add(connection);
  };
  http.off(event, own).on(event, take);
  const look = setInterval(() => {
    const now = performance.now();
    for (const connection of open) connection.expire(now, http);
  }, LOOK_EVERY_MS);
  look.unref();
  return {
    close() {
      isClosed = true;
      clearInterval(look);
      for (const connection of open) connection.destroy();
    },
  };
}
