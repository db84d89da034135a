import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { refuseUpgrade } from '../lib/refuse-upgrade.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../lib/request-id.ts';
import { isAllowedOrigin, type OriginRule } from './allowed-origin.ts';
import { ClientSocket, WsConnection } from './ws-connection.ts';
import { createWsProtocol, type WsProtocolOptions } from './ws-protocol.ts';

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
/** So many foreign origins are told to the operator, each once. */
const MOST_STRANGERS = 20;

interface GraphqlWsOptions extends WsProtocolOptions {
  readonly addressOf: (request: IncomingMessage) => string;
  readonly origins: OriginRule;
}

/**
 * graphql-transport-ws. The token comes in connection_init, as `authorization: "Bearer …"`; the socket ends with it
 * (4403), whatever runs on it. A reader that is too far behind is closed with 4490, an account's socket too many with 4429; an
 * operation past the account's rate, or a subscription too many, is answered with RATE_LIMITED.
 */
export function createGraphqlWs(wiring: GraphqlWsOptions): GraphqlWs {
  const { addressOf, origins, log } = wiring;
  const options = {
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    WebSocket: ClientSocket,
    handleProtocols: (offered: Set<string>) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  } as const;
  const server = new WebSocketServer<typeof ClientSocket>(options);
  const strangers = new Set<string>();
  const refuseOrigin = ({ headers: { origin } }: IncomingMessage, socket: Duplex, headers: Readonly<Record<string, string>>): void => {
    const name = (origin ?? '').slice(0, 200);
    if (strangers.size < MOST_STRANGERS && !strangers.has(name)) {
      strangers.add(name);
      log.warn({ origin: name }, 'a page of another origin may not open a WebSocket; name it in ALLOWED_ORIGINS if it is yours');
    }
    refuseUpgrade(socket, '403 Forbidden', 'A page of this origin may not open a WebSocket here.', headers);
  };
  const protocol = createWsProtocol(wiring);
  server.on('headers', (lines, request) => void lines.push(`${REQUEST_ID_HEADER}: ${requestIdOf(request)}`));
  server.on('connection', (socket: ClientSocket, request: IncomingMessage) => {
    const connection = new WsConnection(socket, { from: addressOf(request), requestId: requestIdOf(request) }, protocol);
    if (socket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL)
      connection.close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable');
  });
  let round: Iterator<ClientSocket> | undefined;
  const look = setInterval(() => {
    const now = performance.now();
    round ??= server.clients.values();
    for (let left = Math.ceil(server.clients.size / LOOKS_A_ROUND); left > 0; left -= 1) {
      const { done, value } = round.next();
      if (done === true) {
        round = undefined;
        return;
      }
      value.connection?.look(now);
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
