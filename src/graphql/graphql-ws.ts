import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { Viewer } from '../auth/viewer.ts';
import { SLOW_READER_REASON } from '../events/event-reader.ts';
import type { Log } from '../log.ts';
import type { Gateway, PreparedOperation } from './gateway.ts';
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

/** Our own code beside the protocol's: the reader fell too far behind; it may reconnect and resume with `after`. */
export const SLOW_READER_CODE = 4490;
const MAX_PAYLOAD_BYTES = 256 * 1024;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Half-open sockets end within two of these. */
const PING_EVERY_MS = 12_000;
const INIT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 10_000;
const GOING_AWAY_MS = 2_000;

interface GraphqlWsOptions {
  readonly gateway: Gateway;
  readonly verifyToken: VerifyToken;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly log: Log;
  readonly pingEveryMs?: number;
}

/**
 * graphql-transport-ws. The token comes in connection_init, as `authorization: "Bearer …"`; the socket ends with it
 * (4403), whatever runs on it. A reader that is too far behind is closed with 4490.
 */
export function createGraphqlWs({ gateway, verifyToken, addressOf, log, pingEveryMs = PING_EVERY_MS }: GraphqlWsOptions): GraphqlWs {
  const options = {
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered: Set<string>) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  } as const;
  const server = new WebSocketServer(options);
  const pulse = createPulse({ periodMs: pingEveryMs });
  const prepared = new WeakMap<object, { operation: PreparedOperation; socket: WebSocket; id: string }>();
  const runOf = (args: object) => {
    const run = prepared.get(args);
    if (run === undefined) throw new Error('An operation was executed that was not prepared.');
    return run;
  };

  const protocol = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: async ({ connectionParams, extra }) => {
      const authorization = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
      try {
        extra.viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
      } catch {
        return false;
      }
      closeAt(extra.socket, extra.viewer.expiresAt);
      return true;
    },
    onSubscribe: async ({ extra: { viewer, socket, from } }, id, payload) => {
      if (viewer === undefined) throw new Error('A subscription came before its connection was accepted.');
      const closeSlowReader = (): void => socket.close(SLOW_READER_CODE, SLOW_READER_REASON);
      const operation = await gateway.prepare(payload, { viewer, from, closeSlowReader });
      if (!('args' in operation)) return operation;
      prepared.set(operation.args, { operation, socket, id });
      return operation.args;
    },
    execute: (args) => runOf(args).operation.execute(args),
    subscribe: async (args) => {
      const { operation, socket, id } = runOf(args);
      // What only served to begin it goes: a subscription lives for hours.
      prepared.delete(args);
      const subscription = await operation.subscribe(args);
      return 'source' in subscription ? new ResultSender(socket, id, subscription) : subscription;
    },
    // A source's own error arrives wrapped: what it was, with its code, is the cause.
    onError: (_context, _id, _payload, errors) =>
      errors.map((error) => (error instanceof GraphQLError && error.cause instanceof GraphQLError ? error.cause : error).toJSON()),
  });

  server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    pulse.watch(socket);
    // The reason of the close that follows: a frame that is no frame, a message that is too long.
    socket.on('error', ignoreError);
    const closed = protocol.opened(adapt(socket, log), { socket, from: addressOf(request) });
    socket.once('close', (code, reason) => {
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'a subscription could not be ended'));
    });
  });

  return {
    upgrade(request, socket, head) {
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

/** A socket as the protocol wants it. */
function adapt(socket: WebSocket, log: Log): Parameters<ReturnType<typeof makeServer>['opened']>[0] {
  return {
    protocol: socket.protocol,
    send: (message) =>
      new Promise((resolve) => {
        if (socket.readyState === socket.OPEN) socket.send(message, () => resolve());
        else resolve();
      }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (handle) =>
      socket.on('message', (data) => {
        // ws's default binaryType: a message is one Buffer.
        handle((data as Buffer).toString('utf8')).catch((error: unknown) => {
          log.error({ err: error }, 'a message of a WebSocket could not be handled');
          socket.close(CloseCode.InternalServerError, 'Internal server error');
        });
      }),
  };
}

function closeAt(socket: WebSocket, expiresAt: number): void {
  const end = (): void => socket.close(CloseCode.Forbidden, 'The token has expired');
  const timer = setTimeout(end, Math.min(Math.max(0, expiresAt - Date.now()), MAX_TIMER_MS));
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

function ignoreError(): void {}
