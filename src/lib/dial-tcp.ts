import { connect, type Socket } from 'node:net';

/** Connects by TCP. The socket has an error listener from the beginning: the caller may have gone meanwhile. */
export function dialTcp({ host, port }: { readonly host: string; readonly port: number }): Socket {
  return connect({ host, port, noDelay: true }).on('error', () => undefined);
}
