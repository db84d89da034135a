import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Adds an error listener to every connection and response of a server as soon as they exist, so a client that leaves
 * or a late write does not end the process. Node removes its own listener from a socket that is upgraded.
 */
export function addErrorListeners(http: Server): void {
  for (const event of ['connection', 'secureConnection'])
    http.on(event, (socket: Socket) => void socket.on('error', ignore));
  http.on('request', (_request, reply) => void reply.on('error', ignore));
}

/** Each of these errors is followed by `close`, which the owner of the stream handles. */
function ignore(): void {}
