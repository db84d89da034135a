import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Holds the port of 127.0.0.1, any free one for 0, as a program that is not ours would; rejects when it is held
 * already.
 */
export async function holdPort(
  protocol: 'tcp' | 'udp',
  port = 0,
): Promise<{ readonly port: number } & AsyncDisposable> {
  if (protocol === 'udp') {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => void socket.once('error', reject).bind(port, '127.0.0.1', resolve));
    return {
      port: socket.address().port,
      [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
    };
  }
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It listens nowhere.');
  return {
    port: address.port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** A port that nobody holds at the moment, for either protocol most likely. */
export async function freePort(): Promise<number> {
  await using held = await holdPort('tcp');
  return held.port;
}
