import { Socket } from 'node:net';

const CLOSE_MS = 2_000;

/** A socket for PostgreSQL. Destroyed 2 s after its own end, because a dead connection never ends the other side. */
export function createDatabaseSocket(): Socket {
  const socket = new Socket();
  socket.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
    socket.once('close', () => clearTimeout(timer));
  });
  return socket;
}
