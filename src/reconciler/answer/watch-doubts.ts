import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from '../../db/database.ts';
import { findWatched } from '../iteration/watcher-store.ts';
import type { Watched } from './app-rounds.ts';

interface DoubtsOptions {
  readonly db: Db;
  readonly owner: string;
  readonly find: (vmId: string) => Watched | undefined;
  /** Does not watch the VM any more. */
  readonly end: (vmId: string) => void;
  readonly onError: (error: unknown) => void;
}

const RETRY_MS = 500;

/**
 * Ends the watch of VMs that have become due, or have another watcher. A notification is only a reason to read the
 * rows: it may be late, and the VM be released to this watcher again.
 */
export class WatchDoubts {
  readonly #options: DoubtsOptions;
  /** Something may have made them due. */
  readonly #doubted = new Set<string>();
  /** The release of their leases is under way. */
  readonly #releasing = new Set<string>();
  readonly #closing = new AbortController();
  #judging: Promise<void> | undefined;

  constructor(options: DoubtsOptions) {
    this.#options = options;
  }

  add(vmIds: readonly string[]): void {
    const { find } = this.#options;
    for (const vmId of vmIds) if (find(vmId) !== undefined || this.#releasing.has(vmId)) this.#doubted.add(vmId);
    if (this.#judging === undefined && this.#judgeable().length > 0) this.#judging = this.#judge();
  }

  /** Judges the VM only when `release` has ended: what was read before is about another lease. */
  async after<T>(vmId: string, release: () => Promise<T>): Promise<T> {
    this.#releasing.add(vmId);
    try {
      return await release();
    } finally {
      this.#releasing.delete(vmId);
      if (this.#doubted.has(vmId)) this.add([vmId]);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#judging;
  }

  #judgeable(): string[] {
    return this.#closing.signal.aborted ? [] : [...this.#doubted].filter((vmId) => !this.#releasing.has(vmId));
  }

  async #judge(): Promise<void> {
    const { db, owner, find, end, onError } = this.#options;
    for (let vmIds = this.#judgeable(); vmIds.length > 0; vmIds = this.#judgeable()) {
      for (const vmId of vmIds) this.#doubted.delete(vmId);
      const before = vmIds.map((vmId) => [vmId, find(vmId)] as const);
      try {
        const own = await findWatched(db, owner, vmIds);
        // One that was released to this watcher meanwhile stays.
        for (const [vmId, watched] of before) if (!own.has(vmId) && find(vmId) === watched) end(vmId);
      } catch (error) {
        onError(error);
        for (const vmId of vmIds) this.#doubted.add(vmId);
        await delay(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
    this.#judging = undefined;
  }
}
