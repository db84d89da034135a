import type { VmAccess } from '../../vm/access/vm-access.ts';
import { Ticket } from './ticket.ts';

/** The open accesses of one VM, as last read. */
export class VmAccesses {
  readonly #byHash = new Map<string, Ticket>();

  /** By the hash of a cookie's secret. */
  find(hash: string): Ticket | undefined {
    const ticket = this.#byHash.get(hash);
    return ticket?.isOpen === true ? ticket : undefined;
  }

  /** Takes over what was read: accesses that are missing have ended. Nothing of an access ever changes. */
  update(userId: string, accesses: readonly VmAccess[]): void {
    const hashes = new Set(accesses.map(({ hash }) => hash));
    for (const [hash, ticket] of this.#byHash) {
      if (hashes.has(hash)) continue;
      ticket.end();
      this.#byHash.delete(hash);
    }
    for (const access of accesses) {
      if (!this.#byHash.has(access.hash)) this.#byHash.set(access.hash, new Ticket(userId, access));
    }
  }

  endAll(): void {
    for (const ticket of this.#byHash.values()) ticket.end();
    this.#byHash.clear();
  }

  /** Whether anything runs by one of them. */
  get isInUse(): boolean {
    return [...this.#byHash.values()].some((ticket) => ticket.isInUse);
  }
}
