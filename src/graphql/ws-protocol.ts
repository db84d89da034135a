import {
  CloseCode,
  MessageType,
  parseMessage,
  stringifyMessage,
  type ConnectionInitMessage,
  type Message,
  type SubscribePayload,
} from 'graphql-ws';
import type { AccountSockets } from '../auth/account-sockets.ts';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { RateLimits } from '../auth/rate-limits.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Asker } from './context.ts';
import type { Gateway } from './gateway.ts';
import type { PersistedOperations } from './persisted-operations.ts';
import { TOO_MANY_CODE, type WsConnection, type WsProtocol } from './ws-connection.ts';
import { WsOperation } from './ws-operation.ts';

export interface WsProtocolOptions {
  readonly gateway: Gateway;
  readonly verifyToken: VerifyToken;
  readonly rates: RateLimits;
  readonly sockets: AccountSockets;
  readonly subscriptionsPerSocket: number;
  readonly persisted: PersistedOperations | undefined;
  readonly log: Log;
}

/** RFC 6455 and IANA: the same may work later. */
const TRY_AGAIN_LATER = 1013;

/**
 * The server's side of https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Messages are read and written by the library
 * that it comes from, but not its server: that holds a suspended function and four closures for each subscription, 1 KB, for hours.
 */
export function createWsProtocol(options: WsProtocolOptions): WsProtocol {
  const { gateway, verifyToken, rates, sockets, subscriptionsPerSocket, persisted, log } = options;

  const connect = async (connection: WsConnection, payload: ConnectionInitMessage['payload']): Promise<void> => {
    if (!connection.greet()) return connection.close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests');
    const authorization = payload?.['authorization'] ?? payload?.['Authorization'];
    let viewer: Viewer;
    try {
      viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
    } catch (error) {
      const isAway = error instanceof ApiError && error.code === 'UNAVAILABLE';
      return isAway ? connection.close(TRY_AGAIN_LATER, error.message) : connection.close(CloseCode.Forbidden, 'Forbidden');
    }
    // Whoever has gone meanwhile is not counted: nobody would take it off again.
    if (!connection.isOpen) return;
    try {
      sockets.open(viewer);
    } catch (error) {
      return connection.close(TOO_MANY_CODE, error instanceof Error ? error.message : '');
    }
    connection.accept(viewer);
    await connection.send(stringifyMessage({ type: MessageType.ConnectionAck }));
  };

  const subscribe = (connection: WsConnection, id: string, payload: SubscribePayload): Promise<void> | void => {
    const { viewer } = connection;
    if (viewer === undefined) return connection.close(CloseCode.Unauthorized, 'Unauthorized');
    if (connection.find(id) !== undefined) {
      return connection.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
    }
    const operation = new WsOperation(connection, id, gateway.mask);
    connection.add(operation);
    return run(operation, { viewer, connection, requestId: connection.requestId }, payload);
  };

  const run = async (operation: WsOperation, asker: Asker & { connection: WsConnection }, payload: SubscribePayload): Promise<void> => {
    const { viewer, connection } = asker;
    try {
      rates.admit(viewer);
      const query = persisted === undefined ? payload.query : String(persisted.documentOf(payload));
      const prepared = await gateway.prepare({ ...payload, query }, asker);
      if (!('kind' in prepared)) return operation.fail(prepared);
      if (prepared.kind !== 'subscription') return await operation.answer(JSON.stringify(await prepared.execute()));
      if (connection.subscriptions >= subscriptionsPerSocket) throw tooManySubscriptions(subscriptionsPerSocket);
      operation.isSubscription = true;
      const subscription = await prepared.subscribe();
      if ('source' in subscription) operation.follow(subscription);
      else await operation.answer(JSON.stringify(subscription));
    } catch (error) {
      operation.fail([gateway.mask(error, asker)]);
    }
  };

  const handle = async (connection: WsConnection, text: string): Promise<void> => {
    let message: Message;
    try {
      message = parseMessage(text);
    } catch {
      return connection.close(CloseCode.BadRequest, 'Invalid message received');
    }
    switch (message.type) {
      case MessageType.ConnectionInit:
        return connect(connection, message.payload);
      case MessageType.Ping:
        return connection.send(stringifyMessage({ type: MessageType.Pong, ...(message.payload && { payload: message.payload }) }));
      case MessageType.Pong:
        return undefined;
      case MessageType.Subscribe:
        return subscribe(connection, message.id, message.payload);
      case MessageType.Complete:
        return connection.find(message.id)?.end();
      // What only a server sends.
      case MessageType.ConnectionAck:
      case MessageType.Next:
      case MessageType.Error:
        return connection.close(CloseCode.BadRequest, 'Invalid message received');
    }
  };

  return {
    receive(connection, text) {
      // The last resort, so that a fault of ours ends one connection and not the process.
      handle(connection, text).catch((error: unknown) => {
        log.error({ requestId: connection.requestId, err: error }, 'a message of a WebSocket could not be handled');
        connection.close(CloseCode.InternalServerError, 'Internal server error');
      });
    },
    closed(connection) {
      if (connection.viewer !== undefined) sockets.close(connection.viewer);
      for (const operation of connection.operations) operation.end();
    },
  };
}

/** As an operation's error, since the socket's other operations go on. */
function tooManySubscriptions(most: number): ApiError {
  return new ApiError('RATE_LIMITED', `A socket has at most ${most} subscriptions; complete one first.`, { retryAfterSeconds: 1 });
}
