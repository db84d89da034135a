import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { refuseUpgrade } from '../../http/refuse-upgrade.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request-id.ts';
import type { Log } from '../../log.ts';
import { isAllowedOrigin, type OriginRule } from './allowed-origin.ts';
import { WsConnection } from './ws-connection.ts';
import { createWsServer, type WsServerOptions } from './ws-server.ts';

export interface GraphqlWs {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1001 Going Away, and those that do not answer to it after 2 s. */
  dispose(): Promise<void>;
}

const MAX_PAYLOAD_BYTES = 256 * 1024;
/** A look at a fifth of the sockets: one whose token has ended closes within a quarter of a second, and pings never go out in thousands. */
const LOOK_EVERY_MS = 50;
const LOOKS_A_ROUND = 5;
const CLOSE_TIMEOUT_MS = 10_000;
const GOING_AWAY_MS = 2_000;
/** So many foreign origins are logged, each once. */
const MOST_LOGGED_ORIGINS = 20;

interface GraphqlWsOptions extends WsServerOptions {
  readonly log: Log;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly origins: OriginRule;
}

/**
 * graphql-transport-ws. The token comes in connection_init, as `authorization: "Bearer …"`; the socket ends with it
 * (4403), whatever runs on it. A reader that is too far behind is closed with 4490, an account's socket too many with 4429; an
 * operation past the account's rate, or a subscription too many, is answered with RATE_LIMITED.
 */
export function createGraphqlWs(wiring: GraphqlWsOptions): GraphqlWs {
  const { addressOf, origins, sockets, log } = wiring;
  const options = {
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered: Set<string>) => handleProtocols(offered),
  } as const;
  const server = new WebSocketServer(options);
  const connections = new Set<WsConnection>();
  const loggedOrigins = new Set<string>();
  const refuseOrigin = ({ headers: { origin } }: IncomingMessage, socket: Duplex, headers: Readonly<Record<string, string>>): void => {
    const name = (origin ?? '').slice(0, 200);
    if (loggedOrigins.size < MOST_LOGGED_ORIGINS && !loggedOrigins.has(name)) {
      loggedOrigins.add(name);
      log.warn({ origin: name }, 'a page of another origin may not open a WebSocket; name it in ALLOWED_ORIGINS if it is yours');
    }
    refuseUpgrade(socket, '403 Forbidden', 'A page of this origin may not open a WebSocket here.', headers);
  };
  const protocol = createWsServer(wiring);
  server.on('headers', (lines, request) => void lines.push(`${REQUEST_ID_HEADER}: ${requestIdOf(request)}`));
  server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    // The reason of the close that follows: a malformed frame, a message that is too long.
    socket.on('error', () => undefined);
    const connection = new WsConnection(socket, { from: addressOf(request), requestId: requestIdOf(request) });
    connections.add(connection);
    const onMessage = (handle: (text: string) => Promise<void>): void => {
      socket.on('message', (data: Buffer) => {
        if (!connection.takes(data.length)) return;
        // Our hooks do not throw: what the library rejects with is a message that a client does not send.
        handle(data.toString('utf8')).catch((error: unknown) => {
          log.debug({ err: error }, 'a message of a WebSocket was refused');
          connection.close(CloseCode.BadRequest, 'Invalid message received');
        });
      });
    };
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => connection.send(message),
        close: (code = CloseCode.InternalServerError, reason = '') => connection.close(code, reason),
        onMessage,
      },
      { connection },
    );
    socket.once('close', (code, reason) => {
      connections.delete(connection);
      if (connection.viewer !== undefined) sockets.close(connection.viewer);
      closed(code, reason.toString()).catch((error: unknown) => log.error({ err: error }, 'a closed WebSocket could not be cleaned up'));
    });
  });
  let round: Iterator<WsConnection> | undefined;
  const look = setInterval(() => {
    const now = performance.now();
    round ??= connections.values();
    for (let left = Math.ceil(connections.size / LOOKS_A_ROUND); left > 0; left -= 1) {
      const { done, value } = round.next();
      if (done === true) {
        round = undefined;
        return;
      }
      value.check(now);
    }
  }, LOOK_EVERY_MS);
  look.unref();

  return {
    upgrade(request, socket, head) {
      const { origin, host } = request.headers;
      if (!isAllowedOrigin(origin, host, origins)) return refuseOrigin(request, socket, { [REQUEST_ID_HEADER]: requestIdOf(request) });
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    },
    async dispose() {
      clearInterval(look);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of server.clients) socket.close(1001, 'Going away');
      const late = setTimeout(() => {
        for (const socket of server.clients) socket.terminate();
      }, GOING_AWAY_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
