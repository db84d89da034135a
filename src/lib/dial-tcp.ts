import { connect, type Socket } from 'node:net';

interface TcpTarget {
  readonly host: string;
  readonly port: number;
  /** Whether the socket stays open when its peer has sent all; false by default. */
  readonly allowHalfOpen?: boolean;
}

/** Connects by TCP. The socket has an error listener from the beginning: the caller may have gone meanwhile. */
export function dialTcp({ host, port, allowHalfOpen = false }: TcpTarget): Socket {
  return connect({ host, port, allowHalfOpen, noDelay: true }).on('error', () => undefined);
}
