import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const CHECK_EVERY_MS = 25;

/** The connections that were open when a server began to shut down. */
export interface Drained {
  /** Connections with a pending request. */
  readonly waitedFor: number;
  /** Connections that were still open at the deadline and were cut. */
  readonly cut: number;
}

/** Shuts down a server without losing a request that it has accepted. */
export interface Drain {
  /** For the server's options: sends `Connection: close` once the server shuts down. */
  readonly ServerResponse: typeof ServerResponse;
  /**
   * Accepts no more connections, closes idle ones at once and the others after their answer. Cuts the rest after
   * `deadlineMs`. Upgraded sockets must be closed by their owners.
   */
  end(http: Server, deadlineMs: number): Promise<Drained>;
}

/** `connections` are those that are open, upgraded ones among them. */
export function createDrain(connections: Iterable<Socket>): Drain {
  let isEnding = false;
  // The server may emit `close` before its last socket does.
  const countOpen = (): number => [...connections].filter(({ destroyed }) => !destroyed).length;

  class DrainedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    // Covers both overloads: the second argument is the reason or the headers.
    override writeHead(status: number, reason?: unknown, headers?: unknown): this {
      if (isEnding) this.shouldKeepAlive = false;
      return super.writeHead(status, reason as string, headers as OutgoingHttpHeaders);
    }
  }

  return {
    ServerResponse: DrainedResponse,
    async end(http, deadlineMs) {
      isEnding = true;
      const closed = new AbortController();
      http.close(() => closed.abort());
      // Node does not treat a connection that has never sent a byte as idle.
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
      const waitedFor = countOpen();
      const until = performance.now() + deadlineMs;
      while (!closed.signal.aborted && performance.now() < until) {
        // A response whose headers were sent before the shutdown keeps its connection alive.
        http.closeIdleConnections();
        await delay(CHECK_EVERY_MS, undefined, { signal: closed.signal }).catch(() => undefined);
      }
      const cut = countOpen();
      http.closeAllConnections();
      for (const socket of connections) socket.destroy();
      return { waitedFor, cut };
    },
  };
}
