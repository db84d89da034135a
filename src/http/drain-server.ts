import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 25;

/** What was still open when a server began to end. */
export interface Drained {
  /** Connections with a request on them. */
  readonly waitedFor: number;
  /** Those of them that the deadline cut. */
  readonly cut: number;
}

/** How a server ends without losing a request that it has taken. */
export interface Drain {
  /** For the server's options: its answers say `Connection: close` once it is ending. */
  readonly ServerResponse: typeof ServerResponse;
  /** To be called once, before the server listens. */
  watch(http: Server): void;
  /**
   * Takes no more connections, closes those without a request at once and each other one after its answer; what is left after `deadlineMs`
   * is cut. Sockets that were upgraded have to be ended by those who have them.
   */
  end(http: Server, deadlineMs: number): Promise<Drained>;
}

export function createDrain(): Drain {
  let isEnding = false;
  const sockets = new Set<Socket>();
  // The server may say that it is closed before its last socket does.
  const countOpen = (): number => [...sockets].filter(({ destroyed }) => !destroyed).length;

  class DrainedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    // Both of Node's forms: what follows the status is a reason or the headers.
    override writeHead(status: number, reason?: unknown, headers?: unknown): this {
      if (isEnding) this.shouldKeepAlive = false;
      return super.writeHead(status, reason as string, headers as OutgoingHttpHeaders);
    }
  }

  return {
    ServerResponse: DrainedResponse,
    watch(http) {
      http.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
    },
    async end(http, deadlineMs) {
      isEnding = true;
      const closed = new AbortController();
      http.close(() => closed.abort());
      // Node counts a connection that has never sent a byte among those with a request.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      const waitedFor = countOpen();
      const until = performance.now() + deadlineMs;
      while (!closed.signal.aborted && performance.now() < until) {
        // One that was answered with headers from before is kept open by them.
        http.closeIdleConnections();
        await delay(LOOK_EVERY_MS, undefined, { signal: closed.signal }).catch(() => undefined);
      }
      const cut = countOpen();
      http.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      return { waitedFor, cut };
    },
  };
}
