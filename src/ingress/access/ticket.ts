import { Bag } from '../../lib/bag.ts';
import type { AccessRole, VmAccess } from '../../vm/access/vm-access.ts';

/** What ends with a ticket. */
interface Cut {
  readonly cut: () => void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A browser's access to one address of a VM, as this gateway knows it. What runs by it ends with it: when its time is
 * over, or earlier if it is ended.
 */
export class Ticket {
  /** The access's id. */
  readonly id: string;
  /** The owner of the VM. */
  readonly userId: string;
  readonly role: AccessRole;
  /** Whether its link was for someone other than the owner. */
  readonly isGuest: boolean;
  /** Whether its holder is signed in to the app. */
  readonly signsIn: boolean;
  /** When it expires, in ms since 1970. */
  readonly until: number;
  readonly #cuts = new Bag<Cut>();
  #expiry: NodeJS.Timeout | undefined;
  #isEnded = false;
  #successor: Ticket | undefined;

  constructor(userId: string, { id, role, isGuest, signsIn, until }: Omit<VmAccess, 'hash' | 'replaces'>) {
    this.id = id;
    this.userId = userId;
    this.role = role;
    this.isGuest = isGuest;
    this.signsIn = signsIn;
    this.until = until;
  }

  get isOpen(): boolean {
    return !this.#isEnded && this.until > Date.now();
  }

  /** Whether anything runs by it. */
  get isInUse(): boolean {
    return this.#cuts.size > 0;
  }

  /** Calls `cut` once when the access ends; at once if it has. Returns a function that cancels this. */
  onEnd(cut: () => void): () => void {
    const entry = { cut };
    this.#add(entry);
    return () => this.#cancel(entry);
  }

  /** Ends it in favor of another of the same browser, by which goes on what runs by this one, unless that may less. */
  endFor(successor: Ticket): void {
    if (successor.role === this.role || successor.role === 'CONTROL') {
      for (const entry of this.#cuts.takeAll()) successor.#add(entry);
      this.#successor = successor;
    }
    this.end();
  }

  /** Ends it before its time. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#expiry);
    for (const { cut } of this.#cuts.takeAll()) cut();
  }

  #add(entry: Cut): void {
    if (this.#successor !== undefined) return this.#successor.#add(entry);
    if (!this.isOpen) return entry.cut();
    this.#cuts.add(entry);
    this.#expiry ??= this.#startExpiry();
  }

  #cancel(entry: Cut): void {
    if (this.#successor !== undefined) return this.#successor.#cancel(entry);
    this.#cuts.delete(entry);
    if (this.#cuts.size > 0) return;
    clearTimeout(this.#expiry);
    this.#expiry = undefined;
  }

  #startExpiry(): NodeJS.Timeout {
    return setTimeout(
      () => {
        if (this.until <= Date.now()) this.end();
        else this.#expiry = this.#startExpiry();
      },
      Math.min(Math.max(0, this.until - Date.now()), LONGEST_TIMER_MS),
    ).unref();
  }
}
