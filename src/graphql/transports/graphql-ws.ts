import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { isAllowedOrigin, type OriginRule } from '../../http/request/allowed-origin.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request/request-id.ts';
import type { Log } from '../../log.ts';
import { WsConnection, type WsHooks } from './ws-connection.ts';
import { WsProtocol, type WsProtocolOptions } from './ws-protocol.ts';

const MAX_PAYLOAD_BYTES = 256 * 1024;
/** Each check covers a fifth of the sockets: all within 250 ms, and never thousands of pings at once. */
const CHECK_EVERY_MS = 50;
const CHECKS_PER_ROUND = 5;
const CLOSE_TIMEOUT_MS = 10_000;
const GOING_AWAY_MS = 2_000;
/** Of RFC 6455. Clients do not retry after it. */
const POLICY_VIOLATION = 1008;
/** Each refused origin is logged once, up to this many. */
const MAX_LOGGED_ORIGINS = 20;

interface GraphqlWsOptions extends WsProtocolOptions {
  readonly log: Log;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly origins: OriginRule;
}

/**
 * GraphQL over WebSocket (graphql-transport-ws). Clients send their token in connection_init, as `authorization:
 * "Bearer …"`; when it expires, the socket closes with 4403, unless a ping has brought a new one. A client that reads
 * too slowly is closed with 4490, one too many sockets of an account with 4491, and a page of a foreign origin with
 * 1008. An operation above the account's rate, or one too many subscriptions, gets RATE_LIMITED.
 */
export class GraphqlWs {
  readonly #options: GraphqlWsOptions;
  readonly #protocol: WsProtocol;
  readonly #hooks: WsHooks;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<WsConnection>();
  readonly #loggedOrigins = new Set<string>();
  readonly #checks: NodeJS.Timeout;
  /** The rest of the sockets of the current round of checks. */
  #unchecked: Iterator<WsConnection> | undefined;

  constructor(options: GraphqlWsOptions) {
    this.#options = options;
    this.#protocol = new WsProtocol(options);
    this.#hooks = {
      answerPing: (connection, payload) => this.#protocol.answerPing(connection, payload),
      onViolation: (error) => options.log.debug({ err: error }, 'a message of a WebSocket was refused'),
    };
    // Not inline: the types do not know closeTimeout.
    const settings = {
      noServer: true,
      maxPayload: MAX_PAYLOAD_BYTES,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered: Set<string>) => handleProtocols(offered),
    } as const;
    this.#server = new WebSocketServer(settings);
    this.#server.on('headers', (lines, request) => void lines.push(`${REQUEST_ID_HEADER}: ${requestIdOf(request)}`));
    this.#checks = setInterval(() => this.#checkSome(), CHECK_EVERY_MS).unref();
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin, host } = request.headers;
    const isAllowed = isAllowedOrigin(origin, host, this.#options.origins);
    this.#server.handleUpgrade(request, socket, head, (client) => {
      if (isAllowed) this.#open(client, request);
      else this.#refuseOrigin(client, origin);
    });
  }

  /** Closes every socket with 1001 Going Away, and terminates those that have not closed after 2 s. */
  async dispose(): Promise<void> {
    clearInterval(this.#checks);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#server.clients) socket.close(1001, 'Going away');
    const late = setTimeout(() => {
      for (const socket of this.#server.clients) socket.terminate();
    }, GOING_AWAY_MS);
    await closed;
    clearTimeout(late);
  }

  /** Opens the socket and closes it: a page cannot read the answer to a handshake, but the code of a close. */
  #refuseOrigin(socket: WebSocket, sent = ''): void {
    socket.on('error', ignore);
    socket.close(POLICY_VIOLATION, 'The origin of this page is not one of ALLOWED_ORIGINS');
    const origin = sent.slice(0, 200);
    if (this.#loggedOrigins.size < MAX_LOGGED_ORIGINS && !this.#loggedOrigins.has(origin)) {
      this.#loggedOrigins.add(origin);
      this.#options.log.warn(
        { origin },
        'a page of another origin may not open a WebSocket; name it in ALLOWED_ORIGINS if it is yours',
      );
    }
  }

  #open(socket: WebSocket, request: IncomingMessage): void {
    const { addressOf } = this.#options;
    socket.on('error', ignore);
    const caller = { from: addressOf(request), requestId: requestIdOf(request) };
    const connection = new WsConnection(socket, caller, this.#hooks);
    this.#connections.add(connection);
    const closed = this.#protocol.open(connection);
    socket.on('close', (code, reason) => {
      this.#close(connection);
      closed(code, reason.toString()).catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'failed to clean up a closed WebSocket'),
      );
    });
  }

  #close(connection: WsConnection): void {
    this.#connections.delete(connection);
    if (connection.viewer !== undefined) this.#options.sockets.close(connection.viewer);
  }

  #checkSome(): void {
    const now = performance.now();
    this.#unchecked ??= this.#connections.values();
    for (let left = Math.ceil(this.#connections.size / CHECKS_PER_ROUND); left > 0; left -= 1) {
      const { done, value } = this.#unchecked.next();
      if (done === true) {
        this.#unchecked = undefined;
        return;
      }
      value.check(now);
    }
  }
}

/** Of a malformed frame, or a message that is too long; `close` follows. */
function ignore(): void {}
