import type { IncomingMessage } from 'node:http';
import { isIP, type BlockList, type Socket } from 'node:net';

/**
 * The client's address, with mapped IPv4 addresses as IPv4. Usually this is the socket's peer. If the peer is a trusted
 * proxy, X-Forwarded-For is read from its end up to the first address that is not trusted; a client can forge only the
 * entries before that. `unknown` if the socket has already closed.
 */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  trusted: BlockList,
): string {
  const known = clients.get(socket);
  if (known !== undefined) return known;
  const peer = normalise(socket.remoteAddress ?? '');
  if (peer === undefined) return 'unknown';
  if (!trusted.check(peer, familyOf(peer))) {
    clients.set(socket, peer);
    return peer;
  }
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  let address = peer;
  while (trusted.check(address, familyOf(address))) {
    const next = normalise(forwarded.pop()?.trim() ?? '');
    // The header ends or is malformed here: the last trusted address is the best we know.
    if (next === undefined) break;
    address = next;
  }
  return address;
}

/** The addresses of peers that are not trusted: the client of each request on their sockets. */
const clients = new WeakMap<Socket, string>();

function normalise(address: string): string | undefined {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  return isIP(plain) === 0 ? undefined : plain.toLowerCase();
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
