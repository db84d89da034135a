import type { ExecutionArgs, GraphQLError } from 'graphql';
import { makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import type { AccountSockets } from '../../auth/account-sockets.ts';
import { bearerOf, type VerifyToken } from '../../auth/jwt.ts';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { ApiError } from '../../errors.ts';
import type { Caller } from '../schema/context.ts';
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

/** Our data on each socket of graphql-ws. */
export interface WsExtra {
  readonly connection: WsConnection;
}

/** A close code registered with IANA for RFC 6455: the client may retry later. */
const TRY_AGAIN_LATER = 1013;
const INIT_TIMEOUT_MS = 5_000;

/**
 * The graphql-ws server with our pipeline and limits as hooks. Hooks do not throw: a refusal is an error of its
 * operation, or closes the socket with its own code.
 */
export function createWsServer(options: WsServerOptions): Server<WsExtra> {
  const { gateway, verifyToken, rates, sockets, subscriptionsPerSocket, persisted } = options;
  const counted = new WeakSet<SubscribePayload>();

  /** Authenticates a connection_init. For false, graphql-ws closes with 4403 unless this has used a better code. */
  const authenticate = async (
    connection: WsConnection,
    params: Readonly<Record<string, unknown>> | undefined,
  ): Promise<boolean> => {
    const authorization = params?.['authorization'] ?? params?.['Authorization'];
    try {
      const viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
      // Skip a client that has already disconnected; no close event would decrement the count.
      if (!connection.isOpen) return false;
      sockets.open(viewer);
      connection.authenticate(viewer);
      return true;
    } catch (error) {
      const code = error instanceof ApiError ? CLOSE_CODES[error.code] : undefined;
      if (code !== undefined && error instanceof ApiError) connection.close(code, error.message);
      return false;
    }
  };

  const prepare = async (
    caller: Caller,
    payload: SubscribePayload,
  ): Promise<PreparedOperation | readonly GraphQLError[]> => {
    try {
      rates.checkAccount(caller.viewer);
      const query = persisted === undefined ? payload.query : String(persisted.documentOf(payload));
      return await gateway.prepare({ ...payload, query }, caller);
    } catch (error) {
      return [gateway.mask(error, caller)];
    }
  };

  return makeServer<Record<string, unknown> | undefined, WsExtra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: ({ extra, connectionParams }) => authenticate(extra.connection, connectionParams),
    async onSubscribe({ extra: { connection } }, _id, payload) {
      const { viewer } = connection;
      if (viewer === undefined) return [gateway.mask(new ApiError('UNAUTHENTICATED'), connection)];
      const caller = { viewer, connection, requestId: connection.requestId };
      const prepared = await prepare(caller, payload);
      if (!('kind' in prepared)) return prepared;
      if (prepared.kind === 'subscription') {
        if (connection.subscriptions >= subscriptionsPerSocket)
          return [gateway.mask(tooManySubscriptions(subscriptionsPerSocket), caller)];
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
    // An error that ends a stream, such as a slow reader's, arrives as the cause of a graphql-ws error.
    onError: ({ extra: { connection } }, _id, _payload, errors) =>
      errors.map((error) => (error.cause === undefined ? error : gateway.mask(error.cause, connection)).toJSON()),
    onComplete({ extra: { connection } }, _id, payload) {
      if (counted.delete(payload)) connection.subscriptions -= 1;
    },
  });
}

/** Close codes for refusing a connection_init that are more specific than 4403 Forbidden. */
const CLOSE_CODES: Readonly<Partial<Record<ApiError['code'], number>>> = {
  UNAVAILABLE: TRY_AGAIN_LATER,
  RATE_LIMITED: TOO_MANY_CODE,
};

/** The operation from `onSubscribe`; graphql-ws passes its return value to `execute` and `subscribe`. */
function preparedOf({ contextValue }: ExecutionArgs): PreparedOperation {
  return contextValue as PreparedOperation;
}

/** An error of the operation only: the socket's other operations continue. */
function tooManySubscriptions(most: number): ApiError {
  return new ApiError('RATE_LIMITED', `A socket has at most ${most} subscriptions; complete one first.`, {
    retryAfterSeconds: 1,
  });
}
