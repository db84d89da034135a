import { setInterval } from 'node:timers';
import type { Db } from '../db/database.ts';
import { ApiError } from '../errors.ts';
import type { AccountEvents } from './account-events.ts';
import { findOutdatedCursors } from './event-store.ts';

const SWEEP_EVERY_MS = 2_000;
/** A sweep checks this many accounts or a fifth of them, whichever is more: each account is checked within 10 s. */
const MIN_ACCOUNTS_PER_SWEEP = 1_000;
const SWEEPS_PER_ROUND = 5;

interface SweepOptions {
  readonly db: Db;
  readonly accounts: ReadonlyMap<string, AccountEvents>;
  readonly onError: (error: unknown) => void;
}

/** Compares the accounts' cursors with the database on a timer. It finds events whose notification was lost. */
export class MissedEventsSweep {
  readonly #db: Db;
  readonly #accounts: ReadonlyMap<string, AccountEvents>;
  readonly #onError: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  /** Where the current round over all accounts stands. */
  #position: Iterator<[string, AccountEvents]> | undefined;
  #isRunning = false;

  constructor({ db, accounts, onError }: SweepOptions) {
    this.#db = db;
    this.#accounts = accounts;
    this.#onError = onError;
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_EVERY_MS);
    this.#timer.unref();
  }

  async #sweep(): Promise<void> {
    const cursors = this.#nextCursors();
    if (this.#isRunning || cursors.size === 0) return;
    this.#isRunning = true;
    try {
      for (const { userId, seq } of await findOutdatedCursors(this.#db, cursors)) {
        const account = this.#accounts.get(userId);
        // A number that decreased means that the database was restored: the readers have seen another history.
        if (seq < (cursors.get(userId) ?? 0))
          account?.forEachReader((reader) => reader.fail(new ApiError('UNAVAILABLE')));
        else account?.notify();
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** The cursors of the next accounts that have a live reader. */
  #nextCursors(): Map<string, number> {
    const cursors = new Map<string, number>();
    const limit = Math.max(MIN_ACCOUNTS_PER_SWEEP, Math.ceil(this.#accounts.size / SWEEPS_PER_ROUND));
    this.#position ??= this.#accounts.entries();
    while (cursors.size < limit) {
      const { done, value } = this.#position.next();
      if (done === true) {
        this.#position = undefined;
        break;
      }
      const [userId, { cursor }] = value;
      if (cursor !== undefined) cursors.set(userId, cursor);
    }
    return cursors;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
