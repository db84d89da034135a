import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { Viewer } from '../auth/viewer.ts';
import { SLOW_READER_REASON } from '../events/event-reader.ts';
import type { Gateway, PreparedOperation } from './gateway.ts';

export interface GraphqlWs {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1001 Going Away. */
  dispose(): Promise<void>;
}

type Connection = { viewer: Viewer };

/** Our own code beside the protocol's: the reader fell too far behind; it may reconnect and resume with `after`. */
export const SLOW_READER_CODE = 4490;
const MAX_PAYLOAD_BYTES = 256 * 1024;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * graphql-transport-ws. The token comes in connection_init, as `authorization: "Bearer …"`; the socket ends with it
 * (4403), whatever runs on it.
 */
export function createGraphqlWs({ gateway, verifyToken }: { gateway: Gateway; verifyToken: VerifyToken }): GraphqlWs {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    handleProtocols: (offered) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  });
  const prepared = new WeakMap<object, PreparedOperation>();
  const operationOf = (args: object): PreparedOperation => {
    const operation = prepared.get(args);
    if (operation === undefined) throw new Error('An operation was executed that was not prepared.');
    return operation;
  };

  const disposable = useServer<Record<string, unknown>, Connection>(
    {
      connectionInitWaitTimeout: 5_000,
      onConnect: async ({ connectionParams, extra }) => {
        const authorization = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
        try {
          extra.viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
        } catch {
          return false;
        }
        const { socket, viewer } = extra;
        const timer = setTimeout(
          () => socket.close(CloseCode.Forbidden, 'The token has expired'),
          Math.min(Math.max(0, viewer.expiresAt - Date.now()), MAX_TIMER_MS),
        );
        timer.unref();
        socket.once('close', () => clearTimeout(timer));
        return true;
      },
      onSubscribe: async ({ extra }, _id, payload) => {
        if (extra.viewer === undefined) throw new Error('A subscription came before its connection was accepted.');
        const { viewer, socket } = extra;
        const closeSlowReader = (): void => socket.close(SLOW_READER_CODE, SLOW_READER_REASON);
        const operation = await gateway.prepare(payload, { viewer, closeSlowReader });
        if (!('args' in operation)) return operation;
        prepared.set(operation.args, operation);
        return operation.args;
      },
      execute: (args) => operationOf(args).execute(args),
      subscribe: (args) => operationOf(args).subscribe(args),
    },
    server,
    // Half-open sockets end within two of these.
    12_000,
  );

  return {
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    },
    async dispose() {
      await disposable.dispose();
    },
  };
}
