import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';

/** A message of graphql-transport-ws. */
export interface ProtocolMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

export interface RawSocket {
  readonly socket: WebSocket;
  send(message: unknown): void;
  /** The next message that fits; rejects when the socket closes first, with its code. */
  next(fits: (message: ProtocolMessage) => boolean): Promise<ProtocolMessage>;
  /** The code and the reason that it was closed with. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** A WebSocket to a gateway's GraphQL, open and without a word yet; rejects when the upgrade is refused. */
export async function openRawSocket(port: number, options: ClientOptions = {}): Promise<RawSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', options);
  const seen: ProtocolMessage[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((each) => each());
  const ended = Promise.withResolvers<{ code: number; reason: string }>();
  let over: { code: number; reason: string } | undefined;
  socket.on('message', (data: Buffer) => {
    seen.push(JSON.parse(data.toString()) as ProtocolMessage);
    wake();
  });
  socket.on('close', (code, reason) => {
    over = { code, reason: String(reason) };
    ended.resolve(over);
    wake();
  });
  await once(socket, 'open');
  socket.on('error', () => undefined);
  return {
    socket,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    closed: ended.promise,
    next: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const at = seen.findIndex(fits);
          const [found] = at < 0 ? [] : seen.splice(at, 1);
          if (found === undefined && over === undefined) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`The socket was closed instead: ${JSON.stringify(over)}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** The same after its connection_init was accepted. */
export async function openKnownSocket(port: number, token: string, options: ClientOptions = {}): Promise<RawSocket> {
  const raw = await openRawSocket(port, options);
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  await raw.next(({ type }) => type === 'connection_ack');
  return raw;
}
