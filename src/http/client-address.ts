import type { IncomingMessage } from 'node:http';
import { isIP, type BlockList } from 'node:net';

/**
 * The address that a request comes from: the socket's peer, an IPv4 one always as IPv4. What X-Forwarded-For says counts
 * only where the peer is one of `trusted`, read from its end: each trusted proxy speaks for the one before it, and the
 * first that is not trusted is the client, whatever it wrote in front. `unknown` for a socket that has no peer any more.
 */
export function clientAddress({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, trusted: BlockList): string {
  const peer = normalise(socket.remoteAddress ?? '');
  if (peer === undefined) return 'unknown';
  const claimed = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  let address = peer;
  while (trusted.check(address, familyOf(address))) {
    const next = normalise(claimed.pop()?.trim() ?? '');
    // The chain ends here, or is written in a way that no proxy of ours would: the last address that is sure stands.
    if (next === undefined) break;
    address = next;
  }
  return address;
}

function normalise(address: string): string | undefined {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  return isIP(plain) === 0 ? undefined : plain.toLowerCase();
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
