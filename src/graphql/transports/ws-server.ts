import type { ExecutionArgs, GraphQLError } from 'graphql';
import { makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { AccountSockets } from '../../auth/account-sockets.ts';
import { bearerOf, type VerifyToken } from '../../auth/jwt.ts';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { ApiError } from '../../errors.ts';
import type { Asker } from '../schema/context.ts';
import type { Gateway, PreparedOperation } from '../pipeline/gateway.ts';
import type { PersistedOperations } from '../pipeline/persisted-operations.ts';
import { toResultStream } from '../pipeline/subscription.ts';
import { TOO_MANY_CODE, type WsConnection } from './ws-connection.ts';

export interface WsServerOptions {
  readonly gateway: Gateway;
  readonly verifyToken: VerifyToken;
  readonly rates: RateLimits;
  readonly sockets: AccountSockets;
  readonly subscriptionsPerSocket: number;
  readonly persisted: PersistedOperations | undefined;
}

/** What graphql-ws keeps for us with each socket. */
export interface WsExtra {
  readonly connection: WsConnection;
}

/** RFC 6455 and IANA: the same may work later. */
const TRY_AGAIN_LATER = 1013;
const INIT_TIMEOUT_MS = 5_000;

/**
 * graphql-ws's own server with our pipeline and limits in its hooks. No hook throws: each refusal is an error of its operation, or closes the
 * socket with a code of its own.
 */
export function createWsServer(options: WsServerOptions): Server<WsExtra> {
  const { gateway, verifyToken, rates, sockets, subscriptionsPerSocket, persisted } = options;
  const counted = new WeakSet<SubscribePayload>();

  /** Whether the client may go on. The socket is closed here where another code than 4403 says why it may not. */
  const connect = async (connection: WsConnection, params: Readonly<Record<string, unknown>> | undefined): Promise<boolean> => {
    const authorization = params?.['authorization'] ?? params?.['Authorization'];
    try {
      const viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
      // A client that has left meanwhile is not counted: no close event would take it off again.
      if (!connection.isOpen) return false;
      sockets.open(viewer);
      connection.accept(viewer);
      return true;
    } catch (error) {
      const code = error instanceof ApiError ? CLOSE_CODES[error.code] : undefined;
      if (code !== undefined && error instanceof ApiError) connection.close(code, error.message);
      return false;
    }
  };

  const prepare = async (asker: Asker, payload: SubscribePayload): Promise<PreparedOperation | readonly GraphQLError[]> => {
    try {
      rates.admit(asker.viewer);
      const query = persisted === undefined ? payload.query : String(persisted.documentOf(payload));
      return await gateway.prepare({ ...payload, query }, asker);
    } catch (error) {
      return [gateway.mask(error, asker)];
    }
  };

  return makeServer<Record<string, unknown> | undefined, WsExtra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: ({ extra, connectionParams }) => connect(extra.connection, connectionParams),
    async onSubscribe({ extra: { connection } }, _id, payload) {
      const { viewer } = connection;
      if (viewer === undefined) return [gateway.mask(new ApiError('UNAUTHENTICATED'), connection)];
      const asker = { viewer, connection, requestId: connection.requestId };
      const prepared = await prepare(asker, payload);
      if (!('kind' in prepared)) return prepared;
      if (prepared.kind === 'subscription') {
        if (connection.subscriptions >= subscriptionsPerSocket) return [gateway.mask(tooManySubscriptions(subscriptionsPerSocket), asker)];
        connection.subscriptions += 1;
        counted.add(payload);
      }
      return { ...prepared.args, contextValue: prepared };
    },
    execute: (args) => preparedOf(args).execute(),
    async subscribe(args) {
      const subscription = await preparedOf(args).subscribe();
      return 'source' in subscription ? toResultStream(subscription) : subscription;
    },
    // A stream's own end, such as that of a slow reader, comes as the cause of an error of the library's.
    onError: ({ extra: { connection } }, _id, _payload, errors) =>
      errors.map((error) => (error.cause === undefined ? error : gateway.mask(error.cause, connection)).toJSON()),
    onComplete({ extra: { connection } }, _id, payload) {
      if (counted.delete(payload)) connection.subscriptions -= 1;
    },
  });
}

/** Close codes that say more than 4403 Forbidden about why a connection_init is refused. */
const CLOSE_CODES: Readonly<Partial<Record<ApiError['code'], number>>> = { UNAVAILABLE: TRY_AGAIN_LATER, RATE_LIMITED: TOO_MANY_CODE };

/** What `onSubscribe` prepared; graphql-ws hands its arguments on to `execute` and `subscribe`. */
function preparedOf({ contextValue }: ExecutionArgs): PreparedOperation {
  return contextValue as PreparedOperation;
}

/** As an operation's error, since the socket's other operations go on. */
function tooManySubscriptions(most: number): ApiError {
  return new ApiError('RATE_LIMITED', `A socket has at most ${most} subscriptions; complete one first.`, { retryAfterSeconds: 1 });
}
