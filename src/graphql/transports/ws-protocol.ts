import type { ExecutionArgs, GraphQLError } from 'graphql';
import { makeServer, MessageType, stringifyMessage, type Server, type SubscribePayload } from 'graphql-ws';
import type { AccountSockets } from '../../auth/account-sockets.ts';
import { bearerOf, type VerifyToken } from '../../auth/jwt.ts';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { ApiError } from '../../errors.ts';
import type { Gateway, PreparedOperation } from '../pipeline/gateway.ts';
import type { PersistedOperations } from '../pipeline/persisted-operations.ts';
import { toResultStream } from '../pipeline/subscription.ts';
import { renewToken } from './renew-token.ts';
import { reviveMessage } from './revive-message.ts';
import { TOO_MANY_SOCKETS_CODE, type WsConnection } from './ws-connection.ts';

export interface WsProtocolOptions {
  readonly gateway: Gateway;
  readonly verifyToken: VerifyToken;
  readonly rates: RateLimits;
  readonly sockets: AccountSockets;
  readonly subscriptionsPerSocket: number;
  readonly persisted: PersistedOperations;
}

/** Our data on each socket of graphql-ws. */
interface Extra {
  readonly connection: WsConnection;
}

type InitPayload = Record<string, unknown> | undefined;

/** A close code registered with IANA for RFC 6455: the client may retry later. */
const TRY_AGAIN_LATER = 1013;

/**
 * The graphql-ws server with our pipeline and limits as its hooks.
 *
 * INVARIANTS
 * - Hooks do not throw: a refusal is an error of its operation, or closes the socket with its own code.
 * - A socket belongs to one account. A ping may renew its token, and is never answered with it.
 * - A subscription is counted from its `onSubscribe` to its `onComplete`.
 */
export class WsProtocol {
  readonly #options: WsProtocolOptions;
  readonly #server: Server<Extra>;
  /** The payloads of the subscriptions that are counted. */
  readonly #counted = new WeakSet<SubscribePayload>();

  constructor(options: WsProtocolOptions) {
    this.#options = options;
    const { gateway } = options;
    this.#server = makeServer<InitPayload, Extra>({
      // The connection has this deadline itself.
      connectionInitWaitTimeout: 0,
      jsonMessageReviver: reviveMessage,
      onConnect: ({ extra: { connection }, connectionParams }) => this.#authenticate(connection, connectionParams),
      onSubscribe: ({ extra: { connection } }, _id, payload) => this.#prepare(connection, payload),
      execute: (args) => takePrepared(args).execute(),
      async subscribe(args) {
        const subscription = await takePrepared(args).subscribe();
        return 'source' in subscription ? toResultStream(subscription) : subscription;
      },
      // An error that ends a stream, such as a slow reader's, arrives as the cause of a graphql-ws error.
      onError: ({ extra: { connection } }, _id, _payload, errors) =>
        errors.map((error) => (error.cause === undefined ? error : gateway.mask(error.cause, connection)).toJSON()),
      onComplete: ({ extra: { connection } }, _id, payload) => {
        if (this.#counted.delete(payload)) connection.subscriptions -= 1;
      },
    });
  }

  /** Speaks the protocol over an open socket. Returns the function to call when it has closed. */
  open(connection: WsConnection): (code: number, reason: string) => Promise<void> {
    return this.#server.opened(connection, { connection });
  }

  /** A ping with a new token renews that of the connection; the pong says until when, or why not. */
  async answerPing(connection: WsConnection, payload: InitPayload): Promise<void> {
    const authorization = payload?.['authorization'];
    const answer = authorization === undefined ? payload : await renewToken(connection, authorization, this.#options);
    await connection.send(
      stringifyMessage({ type: MessageType.Pong, ...(answer !== undefined && { payload: answer }) }),
    );
  }

  /** Authenticates a connection_init. For false, graphql-ws closes with 4403 unless this has used a better code. */
  async #authenticate(connection: WsConnection, params: InitPayload): Promise<boolean> {
    const { verifyToken, sockets } = this.#options;
    connection.initialize();
    const authorization = params?.['authorization'] ?? params?.['Authorization'];
    // graphql-ws keeps the params as long as the socket lives, and the token is not needed any more.
    // Not `delete`, which turns the object into a table of several times its size.
    for (const name of ['authorization', 'Authorization']) if (params?.[name] !== undefined) params[name] = undefined;
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
  }

  /** The operation for `execute` or `subscribe`, or why it is refused. */
  async #prepare(
    connection: WsConnection,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { gateway, rates, subscriptionsPerSocket, persisted } = this.#options;
    const { viewer, requestId } = connection;
    if (viewer === undefined) return [gateway.mask(new ApiError('UNAUTHENTICATED'), connection)];
    const caller = { viewer, connection, requestId };
    try {
      rates.checkAccount(viewer);
      const query = String(persisted.documentOf(payload));
      // graphql-ws keeps the payload as long as a subscription lives.
      Object.assign(payload, { query: '' });
      const prepared = gateway.prepare({ ...payload, query }, caller);
      if (!('kind' in prepared)) return prepared;
      if (prepared.kind === 'subscription') {
        if (connection.subscriptions >= subscriptionsPerSocket) throw tooManySubscriptions(subscriptionsPerSocket);
        connection.subscriptions += 1;
        this.#counted.add(payload);
      }
      return { ...prepared.args, contextValue: { prepared } satisfies Handover };
    } catch (error) {
      return [gateway.mask(error, caller)];
    }
  }
}

/** Close codes for refusing a connection_init that are more specific than 4403 Forbidden. */
const CLOSE_CODES: Readonly<Partial<Record<ApiError['code'], number>>> = {
  UNAVAILABLE: TRY_AGAIN_LATER,
  RATE_LIMITED: TOO_MANY_SOCKETS_CODE,
};

/** The context of graphql-ws: an operation on its way from `onSubscribe` to `execute` or `subscribe`. */
interface Handover {
  prepared: PreparedOperation | undefined;
}

/** Takes it away, because graphql-ws keeps the context as long as a subscription lives. */
function takePrepared({ contextValue }: ExecutionArgs): PreparedOperation {
  const handover = contextValue as Handover;
  const { prepared } = handover;
  if (prepared === undefined) throw new Error('The operation was taken before.');
  handover.prepared = undefined;
  return prepared;
}

/** An error of the operation only: the socket's other operations continue. */
function tooManySubscriptions(most: number): ApiError {
  return new ApiError('RATE_LIMITED', `A socket has at most ${most} subscriptions; complete one first.`, {
    retryAfterSeconds: 1,
  });
}
