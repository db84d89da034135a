import { connect, type TLSSocket } from 'node:tls';
import type { NodeIdentity } from './node-identity.ts';
import { formatLineRequest, type LineRequest } from './line-request.ts';

/** Where agents listen, on every node. */
export const AGENT_PORT = 4701;

export interface NodeAddress {
  readonly id: string;
  /** The node's IP address. */
  readonly host: string;
}

/**
 * Connects through the agent of a node. Both ends prove themselves with their certificates of Swarm: the socket fails
 * unless exactly this node answers. It has an error listener.
 */
export function dialNode(
  { id, host }: NodeAddress,
  request: LineRequest,
  identity: Pick<NodeIdentity, 'key' | 'cert' | 'ca'>,
  sessions: Map<string, Buffer>,
): TLSSocket {
  const { key, cert, ca } = identity;
  const socket = connect({
    host,
    port: AGENT_PORT,
    // Among the names in the node's certificate is its id.
    servername: id,
    minVersion: 'TLSv1.3',
    key,
    cert,
    ca,
    session: sessions.get(id),
  });
  socket.on('error', () => undefined).on('session', (session) => sessions.set(id, session));
  socket.setNoDelay(true);
  // Without waiting for an answer: what follows is on its way one round trip earlier.
  socket.write(formatLineRequest(request));
  return socket;
}
