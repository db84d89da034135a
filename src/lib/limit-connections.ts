import type { Server } from 'node:http';
import type { BlockList } from 'node:net';
import { clientAddress } from './client-address.ts';
import { networkOf } from './network-of.ts';
import { createSlots } from './slots.ts';

/** Hangs up on an address that has as many connections as one may, before it has sent a byte. Trusted proxies bring everyone's. */
export function limitConnections(server: Server, { perAddress, trusted }: { perAddress: number; trusted: BlockList }): void {
  const slots = createSlots<string>(perAddress);
  server.on('connection', (socket) => {
    const address = clientAddress({ socket, headers: {} }, trusted);
    if (isTrusted(address, trusted)) return;
    const release = slots.acquire(networkOf(address));
    if (release === undefined) socket.destroy();
    else socket.once('close', release);
  });
}

function isTrusted(address: string, trusted: BlockList): boolean {
  return trusted.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}
