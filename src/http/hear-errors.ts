import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Gives every connection and every reply of a server a listener for its errors, from its first moment to its last: a client that left, or
 * a write after the end, ends no process. Node takes its own listener away from a socket that is upgraded.
 */
export function hearErrors(http: Server): void {
  for (const event of ['connection', 'secureConnection']) http.on(event, (socket: Socket) => void socket.on('error', ignore));
  http.on('request', (_request, reply) => void reply.on('error', ignore));
}

/** The close that follows says all that there is to say. */
function ignore(): void {}
