import { ApiError } from '../errors.ts';
import { Semaphore } from '../lib/concurrency/semaphore.ts';
import type { Db } from './database.ts';

/** How many changes of one account may wait in one gateway, the running one included. */
const MAX_PENDING = 200;
/** A change that waited longer is refused: its client has given up. */
const MAX_WAIT_MS = 10_000;

interface AccountQueue {
  pending: number;
  readonly semaphore: Semaphore;
}

const queues = new WeakMap<Db, Map<string, AccountQueue>>();

/**
 * Runs the changes of an account one after another. They would queue at its row's lock anyway, but each would hold a
 * connection meanwhile and a busy account could take the whole pool. The lock still serializes changes across gateways.
 * Rejects with RATE_LIMITED while 200 changes are pending, and with UNAVAILABLE after a wait of 10 s.
 */
export async function runExclusive<T>(db: Db, userId: string, change: () => Promise<T>): Promise<T> {
  const accounts = queues.get(db) ?? new Map<string, AccountQueue>();
  queues.set(db, accounts);
  const queue = accounts.get(userId) ?? { pending: 0, semaphore: new Semaphore(1) };
  accounts.set(userId, queue);
  if (queue.pending >= MAX_PENDING) {
    const message = `${MAX_PENDING} changes of this account are waiting; try again shortly.`;
    throw new ApiError('RATE_LIMITED', message, { retryAfterSeconds: 2 });
  }
  queue.pending += 1;
  const queuedAt = performance.now();
  try {
    return await queue.semaphore.run(async () => {
      if (performance.now() - queuedAt <= MAX_WAIT_MS) return change();
      throw new ApiError('UNAVAILABLE', 'Too many changes of this account came before this one.');
    });
  } finally {
    queue.pending -= 1;
    if (queue.pending === 0) accounts.delete(userId);
  }
}
