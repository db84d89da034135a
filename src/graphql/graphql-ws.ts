import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AccountSockets } from '../auth/account-sockets.ts';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { RateLimits } from '../auth/rate-limits.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ApiError } from '../errors.ts';
import { refuseUpgrade } from '../lib/refuse-upgrade.ts';
import type { Log } from '../log.ts';
import { isAllowedOrigin, type OriginRule } from './allowed-origin.ts';
import type { Gateway, PreparedOperation } from './gateway.ts';
import type { PersistedOperations } from './persisted-operations.ts';
import { graphqlErrorOf } from './mask-error.ts';
import { ResultSender } from './result-sender.ts';
import { ClientSocket, TOO_MANY_CODE, WsConnection } from './ws-connection.ts';

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

/** An operation between its preparation and its run. */
interface Run {
  readonly operation: PreparedOperation;
  readonly connection: WsConnection;
  readonly id: string;
}

interface GraphqlWsOptions {
  readonly gateway: Gateway;
  readonly verifyToken: VerifyToken;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly rates: RateLimits;
  readonly sockets: AccountSockets;
  readonly subscriptionsPerSocket: number;
  readonly origins: OriginRule;
  readonly persisted: PersistedOperations | undefined;
  readonly log: Log;
}

/**
 * graphql-transport-ws. The token comes in connection_init, as `authorization: "Bearer …"`; the socket ends with it
 * (4403), whatever runs on it. A reader that is too far behind is closed with 4490, an account's socket too many with 4429; an
 * operation past the account's rate, or a subscription too many, is answered with RATE_LIMITED.
 */
export function createGraphqlWs(wiring: GraphqlWsOptions): GraphqlWs {
  const { gateway, verifyToken, addressOf, rates, sockets, subscriptionsPerSocket, origins, persisted, log } = wiring;
  const options = {
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    WebSocket: ClientSocket,
    handleProtocols: (offered: Set<string>) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  } as const;
  const server = new WebSocketServer<typeof ClientSocket>(options);
  const prepared = new WeakMap<object, Run>();
  const strangers = new Set<string>();
  const refuseOrigin = (origin: string | undefined, socket: Duplex): void => {
    const name = (origin ?? '').slice(0, 200);
    if (strangers.size < MOST_STRANGERS && !strangers.has(name)) {
      strangers.add(name);
      log.warn({ origin: name }, 'a page of another origin may not open a WebSocket; name it in ALLOWED_ORIGINS if it is yours');
    }
    refuseUpgrade(socket, '403 Forbidden', 'A page of this origin may not open a WebSocket here.');
  };
  const runOf = (args: object) => {
    const run = prepared.get(args);
    if (run === undefined) throw new Error('An operation was executed that was not prepared.');
    return run;
  };

  const protocol = makeServer<Record<string, unknown>, WsConnection>({
    // One look at all of them stands for a timer each.
    connectionInitWaitTimeout: 0,
    onConnect: async (context) => {
      const { connectionParams, extra: connection } = context;
      const authorization = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
      // The token is verified once and not kept.
      Object.assign(context, { connectionParams: undefined });
      let viewer: Viewer;
      try {
        viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
      } catch {
        return false;
      }
      if (connection.socket.readyState !== connection.socket.OPEN) return false;
      try {
        sockets.open(viewer);
      } catch (error) {
        connection.close(TOO_MANY_CODE, error instanceof Error ? error.message : '');
        return false;
      }
      connection.accept({ ...viewer, from: connection.from });
      return true;
    },
    onSubscribe: async ({ extra: connection }, id, payload) => {
      const { viewer } = connection;
      if (viewer === undefined) throw new Error('A subscription came before its connection was accepted.');
      try {
        rates.admit(viewer);
        const query = persisted === undefined ? payload.query : String(persisted.documentOf(payload));
        const operation = await gateway.prepare({ ...payload, query }, { viewer, connection });
        if (!('args' in operation)) return operation;
        // The library keeps the message for as long as the operation runs; its text is parsed, and the same text in thousands of them.
        Object.assign(payload, { query: '' });
        if (operation.kind === 'subscription') {
          if (connection.subscriptions >= subscriptionsPerSocket) throw tooManySubscriptions(subscriptionsPerSocket);
          connection.subscriptions += 1;
        }
        prepared.set(operation.args, { operation, connection, id });
        return operation.args;
      } catch (error) {
        if (error instanceof ApiError) return [graphqlErrorOf(error)];
        throw error;
      }
    },
    execute: (args) => runOf(args).operation.execute(args),
    subscribe: async (args) => {
      const { operation, connection, id } = runOf(args);
      // What only served to begin it goes: a subscription lives for hours.
      prepared.delete(args);
      let running = false;
      try {
        const subscription = await operation.subscribe(args);
        if (!('source' in subscription)) return subscription;
        running = true;
        return new ResultSender(connection, id, subscription);
      } finally {
        if (!running) connection.subscriptions -= 1;
      }
    },
    // A source's own error arrives wrapped: what it was, with its code, is the cause.
    onError: (_context, _id, _payload, errors) =>
      errors.map((error) => (error instanceof GraphQLError && error.cause instanceof GraphQLError ? error.cause : error).toJSON()),
  });

  // One function for all of them: there may be many thousands.
  function onClose(this: WebSocket, code: number, reason: Buffer): void {
    const { connection } = this as ClientSocket;
    if (connection?.viewer !== undefined) sockets.close(connection.viewer);
    connection?.closed?.(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'a subscription could not be ended'));
  }
  server.on('connection', (socket: ClientSocket, request: IncomingMessage) => {
    const connection = new WsConnection(socket, addressOf(request), log);
    connection.closed = protocol.opened(connection, connection);
    socket.on('close', onClose);
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
      if (!isAllowedOrigin(origin, host, origins)) return refuseOrigin(origin, socket);
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

function tooManySubscriptions(most: number): ApiError {
  return new ApiError('RATE_LIMITED', `A socket has at most ${most} subscriptions; complete one first.`, { retryAfterSeconds: 1 });
}
