import type { Server } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { clientAddress } from '../request/client-address.ts';
import { networkOf } from '../request/network-of.ts';

/** Closes new connections of an address that has `perAddress` open ones. Trusted proxies are exempt. */
export function limitConnections(
  server: Server,
  { perAddress, trusted }: { perAddress: number; trusted: BlockList },
): void {
  const counts = new Map<string, number>();
  const networks = new WeakMap<Socket, string>();

  // One function for all sockets, because there may be many thousands.
  function onClose(this: Socket): void {
    const network = networks.get(this) ?? '';
    const left = (counts.get(network) ?? 0) - 1;
    if (left > 0) counts.set(network, left);
    else counts.delete(network);
  }
  server.on('connection', (socket) => {
    const address = clientAddress({ socket, headers: {} }, trusted);
    if (isTrusted(address, trusted)) return;
    const network = networkOf(address);
    const count = counts.get(network) ?? 0;
    if (count >= perAddress) {
      socket.destroy();
      return;
    }
    counts.set(network, count + 1);
    networks.set(socket, network);
    socket.on('close', onClose);
  });
}

function isTrusted(address: string, trusted: BlockList): boolean {
  return trusted.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}
