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

  /**
   * Takes over what was read: accesses that are missing have ended, some because another replaced them. Nothing of an
   * access ever changes.
   */
  update(userId: string, accesses: readonly VmAccess[]): void {
    const hashes = new Set(accesses.map(({ hash }) => hash));
    const successors = new Map<string, Ticket>();
    for (const access of accesses) {
      const ticket = this.#byHash.get(access.hash) ?? new Ticket(userId, access);
      this.#byHash.set(access.hash, ticket);
      for (const replaced of access.replaces) successors.set(replaced, ticket);
    }
    for (const [hash, ticket] of this.#byHash) {
      if (hashes.has(hash)) continue;
      const successor = successors.get(hash);
      if (successor === undefined) ticket.end();
      else ticket.endFor(successor);
      this.#byHash.delete(hash);
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
