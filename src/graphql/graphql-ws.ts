import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AccountSockets } from '../auth/account-sockets.ts';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { RateLimits } from '../auth/rate-limits.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ApiError } from '../errors.ts';
import { SLOW_READER_REASON } from '../events/event-reader.ts';
import { createSlots } from '../lib/slots.ts';
import { refuseUpgrade } from '../lib/refuse-upgrade.ts';
import type { Log } from '../log.ts';
import { isAllowedOrigin, type OriginRule } from './allowed-origin.ts';
import type { Gateway, PreparedOperation } from './gateway.ts';
import type { PersistedOperations } from './persisted-operations.ts';
import { graphqlErrorOf } from './mask-error.ts';
import { protocolSocket, SLOW_READER_CODE, TOO_MANY_CODE } from './protocol-socket.ts';
import { createPulse } from './pulse.ts';
import { ResultSender } from './result-sender.ts';

export interface GraphqlWs {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1001 Going Away, and those that do not answer to it after 2 s. */
  dispose(): Promise<void>;
}

interface Connection {
  readonly socket: WebSocket;
  /** The address that it comes from. */
  readonly from: string;
  viewer?: Viewer;
}

const MAX_PAYLOAD_BYTES = 256 * 1024;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Half-open sockets end within two of these. */
const PING_EVERY_MS = 12_000;
const INIT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 10_000;
const GOING_AWAY_MS = 2_000;
/** So many foreign origins are told to the operator, each once. */
const MOST_STRANGERS = 20;

/** An operation between its preparation and its run, and what gives its place back. */
interface Run {
  readonly operation: PreparedOperation;
  readonly socket: WebSocket;
  readonly id: string;
  readonly release: () => void;
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
  readonly pingEveryMs?: number;
}

/**
 * graphql-transport-ws. The token comes in connection_init, as `authorization: "Bearer …"`; the socket ends with it
 * (4403), whatever runs on it. A reader that is too far behind is closed with 4490, an account's socket too many with 4429; an
 * operation past the account's rate, or a subscription too many, is answered with RATE_LIMITED.
 */
export function createGraphqlWs(wiring: GraphqlWsOptions): GraphqlWs {
  const { gateway, verifyToken, addressOf, rates, sockets, origins, persisted, log, pingEveryMs = PING_EVERY_MS } = wiring;
  const options = {
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered: Set<string>) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  } as const;
  const server = new WebSocketServer(options);
  const pulse = createPulse({ periodMs: pingEveryMs });
  const subscriptions = createSlots<Connection>(wiring.subscriptionsPerSocket);
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

  const protocol = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: async ({ connectionParams, extra }) => {
      const authorization = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
      const { socket } = extra;
      let viewer: Viewer;
      try {
        viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
      } catch {
        return false;
      }
      if (socket.readyState !== socket.OPEN) return false;
      try {
        socket.once('close', sockets.open(viewer));
      } catch (error) {
        socket.close(TOO_MANY_CODE, error instanceof Error ? error.message : undefined);
        return false;
      }
      extra.viewer = viewer;
      closeAt(socket, viewer.expiresAt);
      return true;
    },
    onSubscribe: async ({ extra }, id, payload) => {
      const { viewer, socket, from } = extra;
      if (viewer === undefined) throw new Error('A subscription came before its connection was accepted.');
      try {
        rates.admit(viewer);
        const query = persisted === undefined ? payload.query : String(persisted.documentOf(payload));
        const closeSlowReader = (): void => socket.close(SLOW_READER_CODE, SLOW_READER_REASON);
        const operation = await gateway.prepare({ ...payload, query }, { viewer, from, closeSlowReader });
        if (!('args' in operation)) return operation;
        const release = operation.kind === 'subscription' ? subscriptions.acquire(extra) : ignore;
        if (release === undefined) throw tooManySubscriptions(wiring.subscriptionsPerSocket);
        prepared.set(operation.args, { operation, socket, id, release });
        return operation.args;
      } catch (error) {
        if (error instanceof ApiError) return [graphqlErrorOf(error)];
        throw error;
      }
    },
    execute: (args) => runOf(args).operation.execute(args),
    subscribe: async (args) => {
      const { operation, socket, id, release } = runOf(args);
      // What only served to begin it goes: a subscription lives for hours.
      prepared.delete(args);
      let running = false;
      try {
        const subscription = await operation.subscribe(args);
        if (!('source' in subscription)) return subscription;
        running = true;
        return new ResultSender(socket, id, subscription, release);
      } finally {
        if (!running) release();
      }
    },
    // A source's own error arrives wrapped: what it was, with its code, is the cause.
    onError: (_context, _id, _payload, errors) =>
      errors.map((error) => (error instanceof GraphQLError && error.cause instanceof GraphQLError ? error.cause : error).toJSON()),
  });

  server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    const connection: Connection = { socket, from: addressOf(request) };
    pulse.watch(socket);
    // The reason of the close that follows: a frame that is no frame, a message that is too long.
    socket.on('error', ignore);
    const closed = protocol.opened(
      protocolSocket(socket, () => connection.viewer !== undefined, log),
      connection,
    );
    socket.once('close', (code, reason) => {
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'a subscription could not be ended'));
    });
  });

  return {
    upgrade(request, socket, head) {
      const { origin, host } = request.headers;
      if (!isAllowedOrigin(origin, host, origins)) return refuseOrigin(origin, socket);
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    },
    async dispose() {
      pulse.close();
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

function closeAt(socket: WebSocket, expiresAt: number): void {
  const end = (): void => socket.close(CloseCode.Forbidden, 'The token has expired');
  const timer = setTimeout(end, Math.min(Math.max(0, expiresAt - Date.now()), MAX_TIMER_MS));
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

function tooManySubscriptions(most: number): ApiError {
  return new ApiError('RATE_LIMITED', `A socket has at most ${most} subscriptions; complete one first.`, { retryAfterSeconds: 1 });
}

function ignore(): void {}
