import { sql } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { Channel } from './listen.ts';
import { defineStatement, type Parameter } from './statement-template.ts';

interface Note {
  readonly channel: Channel;
  readonly payload: string;
}

/** Far below the size of PostgreSQL's queue. */
const MAX_BATCH = 1_000;

const queued = new WeakMap<Trx, Note[]>();
const notifiers = new WeakMap<Db, Notifier>();

/**
 * Runs a transaction, then sends what `notifyAfterCommit` queued in it. Rejects only for the transaction: notifications
 * are hints: a reader that misses one reads on a timer.
 */
export async function runTransaction<T>(db: Db, run: (trx: Trx) => Promise<T>): Promise<T> {
  const notes: Note[] = [];
  const result = await db.transaction().execute((trx) => {
    queued.set(trx, notes);
    return run(trx);
  });
  if (notes.length > 0) {
    const notifier = notifiers.get(db) ?? new Notifier(db);
    notifiers.set(db, notifier);
    await notifier.send(notes);
  }
  return result;
}

/**
 * Queues a notification of a transaction that `runTransaction` started. A NOTIFY inside the transaction would take
 * PostgreSQL's one lock for it until the commit is on disk, so that commits of all accounts would wait for each other.
 */
export function notifyAfterCommit(trx: Trx, channel: Channel, payload: string): void {
  const notes = queued.get(trx);
  if (notes === undefined) throw new Error('Start a transaction that notifies with runTransaction.');
  notes.push({ channel, payload });
}

/** Sends notifications in the order in which they come. What comes during a statement is in the next one. */
class Notifier {
  readonly #db: Db;
  #waiting: Note[] = [];
  #next: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();

  constructor(db: Db) {
    this.#db = db;
  }

  /** Resolves when the notes were sent, or could not be. */
  send(notes: readonly Note[]): Promise<void> {
    this.#waiting.push(...notes);
    this.#next ??= this.#current.then(() => (this.#current = this.#sendWaiting()));
    return this.#next;
  }

  async #sendWaiting(): Promise<void> {
    this.#next = undefined;
    const notes = this.#waiting.splice(0);
    while (notes.length > 0) {
      const batch = notes.splice(0, MAX_BATCH);
      const [channels, payloads] = [batch.map(({ channel }) => channel), batch.map(({ payload }) => payload)];
      await notify(this.#db, { channels, payloads }).catch(() => undefined);
    }
  }
}

const notify = defineStatement(
  (_db, parameter: Parameter<{ channels: readonly Channel[]; payloads: readonly string[] }>) => sql`
    select pg_notify(channel, payload)
    from unnest(${parameter('channels')}::text[], ${parameter('payloads')}::text[]) as note (channel, payload)
  `,
);
