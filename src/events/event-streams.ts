import { setInterval } from 'node:timers';
import { ApiError, badInput } from '../errors.ts';
import { PushQueue } from '../lib/push-queue.ts';
import type { Db } from '../db/database.ts';
import type { Listener } from '../db/listen.ts';
import type { Log } from '../log.ts';
import { findOwnership, readEventSeq, readEvents, readReplay, readSnapshot, type Beginning } from './event-store.ts';
import type { ProgressNote } from './append-event.ts';
import type { ProgressBoard } from './progress-board.ts';
import type { VmEvent } from './vm-event.ts';

export interface EventRequest {
  readonly userId: string;
  /** Only this VM's events; NOT_FOUND when the account never had it. */
  readonly vmId?: string | undefined;
  /** The `seq` of the last event that the client has seen; BAD_USER_INPUT when it is not a number. */
  readonly after?: string | undefined;
}

export interface EventStreams {
  /** Resolves once nothing can be missed any more. `return()` frees everything at once; `for await` calls it. */
  subscribe(request: EventRequest): Promise<AsyncIterableIterator<VmEvent>>;
  /** How many readers there are now. */
  count(): number;
  close(): void;
}

interface Reader {
  readonly queue: PushQueue<VmEvent>;
  readonly vmId: string | undefined;
  /** Up to where it has been served: what comes again is dropped. */
  seen: number;
  /** Live events wait here until its snapshot or replay is out. */
  held: VmEvent[] | undefined;
}

/** All readers of one account share one cursor, and one query per change. */
interface Feed {
  cursor: number;
  readonly ready: Promise<void>;
  readonly readers: Set<Reader>;
  /** Notes of progress that wait for the events before them. */
  notes: ProgressNote[];
  pumping: boolean;
  again: boolean;
}

const QUEUE_LIMIT = 1_000;
const SWEEP_EVERY_MS = 2_000;

/**
 * The order is the guarantee. A reader joins its account's feed, whose cursor is fixed by then; it reads its snapshot or
 * replay, which therefore reaches at least that cursor; what the feed delivers meanwhile is held, and handed over after,
 * without what the beginning already said. Notifications only wake the feed: it reads the table from its cursor, so order
 * and gaplessness are the table's. A sweep covers notifications that got lost.
 */
export function createEventStreams({ db, listener, board, log }: Dependencies): EventStreams {
  const feeds = new Map<string, Feed>();

  const pumpOnce = async (userId: string, feed: Feed): Promise<void> => {
    for (;;) {
      const events = await readEvents(db, { userId, after: feed.cursor });
      if (events.length === 0) return;
      for (const event of events) {
        feed.cursor = event.seq;
        for (const reader of feed.readers) deliver(reader, event);
      }
    }
  };

  /** One pump per feed at a time; being woken during a pump runs it once more. */
  const pump = async (userId: string): Promise<void> => {
    const feed = feeds.get(userId);
    if (feed === undefined) return;
    feed.again = true;
    if (feed.pumping) return;
    feed.pumping = true;
    try {
      await feed.ready;
      while (feed.again) {
        feed.again = false;
        // A note overtakes the event that it follows: it needs no query. So it waits for one.
        const notes = feed.notes.splice(0);
        await pumpOnce(userId, feed);
        for (const note of notes) for (const reader of feed.readers) deliverProgress(reader, note);
      }
    } catch (error) {
      log.warn({ err: error, userId }, 'events could not be read; the next sweep tries again');
    } finally {
      feed.pumping = false;
    }
  };
  const pumpAll = (): void => {
    for (const userId of feeds.keys()) void pump(userId);
  };

  const createFeed = (userId: string): Feed => {
    const feed: Feed = {
      cursor: 0,
      ready: readEventSeq(db, userId).then((seq) => void (feed.cursor = seq)),
      readers: new Set(),
      notes: [],
      pumping: false,
      again: false,
    };
    return feed;
  };
  const join = (userId: string, reader: Reader): Feed => {
    const feed = feeds.get(userId) ?? createFeed(userId);
    feeds.set(userId, feed);
    feed.readers.add(reader);
    return feed;
  };
  const leave = (userId: string, reader: Reader): void => {
    const feed = feeds.get(userId);
    feed?.readers.delete(reader);
    if (feed?.readers.size === 0) feeds.delete(userId);
  };

  /** What the reader must see first: every event since its cursor, or the state of each VM. */
  const readBeginning = async ({ userId, vmId }: EventRequest, after: number | undefined): Promise<Beginning> => {
    const ownership = vmId === undefined ? 'has' : await findOwnership(db, userId, vmId);
    if (ownership === undefined) throw new ApiError('NOT_FOUND');
    if (ownership !== 'has' && (after === undefined || after >= ownership.seq)) throw new ApiError('NOT_FOUND');
    const replay = after === undefined ? undefined : await readReplay(db, userId, after);
    if (replay !== undefined) return replay;
    if (ownership !== 'has') return { seq: ownership.seq, events: [ownership] };
    return readSnapshot(db, userId, vmId);
  };

  const sweep = setInterval(pumpAll, SWEEP_EVERY_MS);
  sweep.unref();
  const unlisten = [
    listener.on('vm_event', (payload) => void pump((JSON.parse(payload) as [string, string])[0])),
    listener.onResync(pumpAll),
    board.onProgress((note) => {
      feeds.get(note.u)?.notes.push(note);
      void pump(note.u);
    }),
  ];

  return {
    async subscribe(request) {
      const { userId, vmId } = request;
      const after = parseCursor(request.after);
      const queue = new PushQueue<VmEvent>({ limit: QUEUE_LIMIT, onClose: () => leave(userId, reader) });
      const reader: Reader = { queue, vmId, seen: 0, held: [] };
      const feed = join(userId, reader);
      try {
        await feed.ready;
        const { seq, events } = await readBeginning(request, after);
        queue.preload(events.filter((event) => vmId === undefined || event.vmId === vmId));
        reader.seen = seq;
        if (vmId !== undefined && events.some((event) => event.vmId === vmId && event.kind === 'DELETED')) queue.end();
      } catch (error) {
        await queue.return();
        throw error;
      }
      const held = reader.held ?? [];
      reader.held = undefined;
      for (const event of held) deliver(reader, event);
      // Whatever committed before this reader's notification could arrive.
      void pump(userId);
      return queue;
    },
    count: () => [...feeds.values()].reduce((sum, feed) => sum + feed.readers.size, 0),
    close() {
      clearInterval(sweep);
      for (const stop of unlisten) stop();
      for (const feed of feeds.values()) for (const reader of feed.readers) reader.queue.end();
    },
  };
}

interface Dependencies {
  readonly db: Db;
  readonly listener: Listener;
  readonly board: ProgressBoard;
  readonly log: Log;
}

function deliver(reader: Reader, event: VmEvent): void {
  if (reader.held !== undefined) {
    reader.held.push(event);
    return;
  }
  if (event.seq <= reader.seen) return;
  reader.seen = event.seq;
  if (reader.vmId !== undefined && reader.vmId !== event.vmId) return;
  // Never skipped silently: the stream ends, and the client resumes from its cursor.
  if (!reader.queue.push(event)) reader.queue.fail(new ApiError('RATE_LIMITED', 'You read too slowly; resume with `after`.'));
  if (event.kind === 'DELETED' && reader.vmId !== undefined) reader.queue.end();
}

function deliverProgress({ held, vmId, queue, seen }: Reader, { v, s, p }: ProgressNote): void {
  if (held !== undefined || (vmId !== undefined && vmId !== v)) return;
  // Dropped when the queue is full: the next one says more.
  queue.push({ seq: seen, kind: 'PROGRESS', vmId: v, status: s, at: new Date(), progress: p });
}

function parseCursor(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after)) throw badInput([{ path: 'after', message: 'must be the seq of an event, a whole number in decimal.' }]);
  return Number(after);
}
