import type { Server } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { clientAddress } from '../request/client-address.ts';
import { networkOf } from '../request/network-of.ts';

interface Limit {
  /** Of the connections of one address. Trusted proxies are exempt. */
  readonly perAddress: number;
  readonly trusted: BlockList;
}

/**
 * The open connections of a server. It closes new ones of an address that has too many. All share one listener for
 * their end, because there may be many thousands.
 */
export class OpenConnections implements Iterable<Socket> {
  readonly #limit: Limit;
  readonly #sockets = new Set<Socket>();
  /** The connections of each network that has some. */
  readonly #counts = new Map<string, number>();

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Call once, before the server listens. */
  watch(http: Server): void {
    const forget = (socket: Socket): void => this.#delete(socket);
    function onClose(this: Socket): void {
      forget(this);
    }
    http.on('connection', (socket: Socket) => {
      if (this.#add(socket)) socket.on('close', onClose);
      else socket.destroy();
    });
  }

  /** Upgraded ones are among them. */
  [Symbol.iterator](): Iterator<Socket> {
    return this.#sockets.values();
  }

  #add(socket: Socket): boolean {
    const network = this.#networkOf(socket);
    if (network !== undefined) {
      const count = this.#counts.get(network) ?? 0;
      if (count >= this.#limit.perAddress) return false;
      this.#counts.set(network, count + 1);
    }
    this.#sockets.add(socket);
    return true;
  }

  #delete(socket: Socket): void {
    this.#sockets.delete(socket);
    const network = this.#networkOf(socket);
    if (network === undefined) return;
    const left = (this.#counts.get(network) ?? 0) - 1;
    if (left > 0) this.#counts.set(network, left);
    else this.#counts.delete(network);
  }

  /** The network that it counts for, also after its end; undefined for a trusted proxy. */
  #networkOf(socket: Socket): string | undefined {
    const { trusted } = this.#limit;
    const address = clientAddress({ socket, headers: {} }, trusted);
    const isTrusted = trusted.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
    return isTrusted ? undefined : networkOf(address);
  }
}
