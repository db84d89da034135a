import { Socket } from 'node:net';

const GOODBYE_MS = 2_000;

/** A socket for a connection to PostgreSQL. Once its own side has ended it waits 2 s for the other's, which a dead connection never ends. */
export function createDatabaseSocket(): Socket {
  const socket = new Socket();
  socket.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
    socket.once('close', () => clearTimeout(timer));
  });
  return socket;
}
