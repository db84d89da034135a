import { setInterval } from 'node:timers';
import { ApiError, badInput } from '../errors.ts';
import { isDatabaseUnavailable, type Db } from '../db/database.ts';
import type { Listener } from '../db/listen.ts';
import type { Log } from '../log.ts';
import { AccountFeed, type EventSource } from './account-feed.ts';
import { decodeEventNote } from './append-event.ts';
import { EventReader, type Cuttable, type ReaderHome } from './event-reader.ts';
import { findMoved, findOwnership, readEvents, readReplay, readSnapshot, type Beginning } from './event-store.ts';
import type { ProgressBoard } from './progress-board.ts';
import type { VmEvent } from './vm-event.ts';

export interface EventRequest {
  readonly userId: string;
  /** Only this VM's events; NOT_FOUND when the account never had it. */
  readonly vmId?: string | undefined;
  /** The `seq` of the last event that the client has seen; BAD_USER_INPUT when it is not a number. */
  readonly after?: string | undefined;
  /** The reader's, which is cut when it reads too slowly. */
  readonly connection?: Cuttable | undefined;
}

export interface EventStreams {
  /**
   * Resolves once nothing can be missed any more. `return()` frees everything at once; `for await` calls it. Rejects a
   * reader that is too far behind with a SlowReaderError.
   */
  subscribe(request: EventRequest): Promise<AsyncIterableIterator<VmEvent>>;
  /** How many readers there are now. */
  count(): number;
  close(): void;
}

const SWEEP_EVERY_MS = 2_000;
/** A sweep looks at so many accounts, or at a fifth of them where that is more: each has its turn within 10 s. */
const SWEPT_AT_ONCE = 1_000;

/**
 * The order is the guarantee. A reader's feed is known to the listener before the reader's past is read; so whatever
 * commits after that past wakes the feed, which reads on from there. Notifications that got lost are covered by a sweep,
 * and by one whenever the listening connection was made anew. Accounts without a reader here cost nothing.
 */
export function createEventStreams({ db, listener, board, log }: Dependencies): EventStreams {
  const feeds = new Map<string, AccountFeed>();
  const closing = new AbortController();
  /** The database's outages are logged where they are noticed. */
  const report = (error: unknown, message: string, details: object = {}): void => {
    if (!closing.signal.aborted && !isDatabaseUnavailable(error)) log.warn({ err: error, ...details }, message);
  };

  const source: EventSource = {
    readAfter: (userId, seq) => readEvents(db, userId, seq),
    onError: (userId, error) => report(error, 'events could not be read; the next sweep tries again', { userId }),
  };
  const join = (reader: EventReader): void => {
    const { userId } = reader;
    const feed = feeds.get(userId) ?? new AccountFeed(userId, source);
    feeds.set(userId, feed);
    feed.add(reader);
  };
  const leave = (reader: EventReader): void => {
    const feed = feeds.get(reader.userId);
    feed?.remove(reader);
    if (feed?.size === 0) feeds.delete(reader.userId);
  };

  /** What the reader must see first: what came since its cursor, or the state of each VM. */
  const readBeginning = async ({ userId, vmId, seen: after }: EventReader): Promise<Beginning> => {
    const ownership = vmId === undefined ? 'has' : await findOwnership(db, userId, vmId);
    if (ownership === undefined) throw new ApiError('NOT_FOUND');
    if (ownership !== 'has' && (after === undefined || after >= ownership.seq)) throw new ApiError('NOT_FOUND');
    const replay = after === undefined ? undefined : await readReplay(db, userId, after);
    if (replay !== undefined) return replay;
    if (ownership !== 'has') return { seq: ownership.seq, events: [ownership], complete: true };
    return readSnapshot(db, userId, vmId);
  };

  let swept: Iterator<[string, AccountFeed]> | undefined;
  /** The next accounts in turn, of those that somebody reads live. */
  const nextToSweep = (): Map<string, number> => {
    const cursors = new Map<string, number>();
    const most = Math.max(SWEPT_AT_ONCE, Math.ceil(feeds.size / 5));
    swept ??= feeds.entries();
    while (cursors.size < most) {
      const { done, value } = swept.next();
      if (done === true) {
        swept = undefined;
        break;
      }
      const [userId, { cursor }] = value;
      if (cursor !== undefined) cursors.set(userId, cursor);
    }
    return cursors;
  };
  let sweeping = false;
  const sweepOnce = async (): Promise<void> => {
    const cursors = nextToSweep();
    if (sweeping || cursors.size === 0) return;
    sweeping = true;
    try {
      for (const { userId, seq } of await findMoved(db, cursors)) {
        const feed = feeds.get(userId);
        // An account never goes back by itself: the database was restored, and what its readers know is of another past.
        if (seq < (cursors.get(userId) ?? 0)) feed?.each((reader) => reader.fail(new ApiError('UNAVAILABLE')));
        else feed?.wake();
      }
    } catch (error) {
      report(error, 'could not look for missed events; trying again');
    } finally {
      sweeping = false;
    }
  };

  const sweep = setInterval(() => void sweepOnce(), SWEEP_EVERY_MS);
  sweep.unref();
  const unlisten = [
    listener.on('vm_event', (payload) => {
      if (feeds.size === 0) return;
      const { userId, event } = decodeEventNote(payload);
      feeds.get(userId)?.wake(event);
    }),
    listener.onResync(() => {
      for (const feed of feeds.values()) feed.wake();
    }),
    board.onProgress((note) => feeds.get(note.u)?.progress(note)),
  ];

  const readOn = async (reader: EventReader): Promise<void> => {
    const { seq, events, complete } = await readBeginning(reader);
    reader.begin(events, seq);
    // One that has left by now is in no feed any more.
    if (complete && reader.isOpen) feeds.get(reader.userId)?.admit(reader, seq);
  };
  const home: ReaderHome = { readOn, onClose: leave };

  return {
    async subscribe({ userId, vmId, after, connection }) {
      const reader = new EventReader(home, { userId, vmId, after: parseCursor(after), connection });
      join(reader);
      try {
        await readOn(reader);
      } catch (error) {
        await reader.return();
        throw error;
      }
      return reader;
    },
    count: () => [...feeds.values()].reduce((sum, { size }) => sum + size, 0),
    close() {
      closing.abort();
      clearInterval(sweep);
      for (const stop of unlisten) stop();
      for (const feed of feeds.values()) feed.each((reader) => reader.end());
    },
  };
}

interface Dependencies {
  readonly db: Db;
  readonly listener: Listener;
  readonly board: ProgressBoard;
  readonly log: Log;
}

function parseCursor(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after)) throw badInput([{ path: 'after', message: 'must be the seq of an event, a whole number in decimal.' }]);
  return Number(after);
}
