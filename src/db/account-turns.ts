import { ApiError } from '../errors.ts';
import type { Db } from './database.ts';

/** Changes of one account that may wait in one gateway. */
const MAX_WAITING = 200;
/** One that has waited for longer is not made any more: whoever asked has given up. */
const MAX_WAIT_MS = 10_000;

interface Queue {
  waiting: number;
  last: Promise<unknown>;
}

const queues = new WeakMap<Db, Map<string, Queue>>();

/**
 * Runs one account's changes one after the other, which they would do at its row's lock anyway: waiting here, they hold no
 * connection, and an account that sends a hundred at once takes one of the pool from the others, not all. RATE_LIMITED past
 * 200 that wait, UNAVAILABLE for one that waited 10 s. The lock remains what keeps gateways apart.
 */
export async function inTurn<T>(db: Db, userId: string, run: () => Promise<T>): Promise<T> {
  const ofDb = queues.get(db) ?? new Map<string, Queue>();
  queues.set(db, ofDb);
  const queue = ofDb.get(userId) ?? { waiting: 0, last: Promise.resolve() };
  ofDb.set(userId, queue);
  if (queue.waiting >= MAX_WAITING)
    throw new ApiError('RATE_LIMITED', `${MAX_WAITING} changes of this account are waiting; try again shortly.`, { retryAfterSeconds: 2 });
  queue.waiting += 1;
  const asked = performance.now();
  const turn = queue.last.then(async () => {
    if (performance.now() - asked > MAX_WAIT_MS)
      throw new ApiError('UNAVAILABLE', 'Too many changes of this account came before this one.');
    return run();
  });
  queue.last = turn.then(ignore, ignore);
  try {
    return await turn;
  } finally {
    queue.waiting -= 1;
    if (queue.waiting === 0) ofDb.delete(userId);
  }
}

function ignore(): void {}
