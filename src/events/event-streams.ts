import { ApiError, badInput } from '../errors.ts';
import type { Db } from '../db/database.ts';
import { isDatabaseUnavailable } from '../db/database-errors.ts';
import type { Listener } from '../db/listen.ts';
import type { Log } from '../log.ts';
import { measures } from '../measures.ts';
import { AccountEvents, type EventSource } from './account-events.ts';
import { decodeEventNote } from './append-event.ts';
import type { BootProgress } from './boot-progress.ts';
import { EventReader, type Cuttable, type ReaderHooks } from './event-reader.ts';
import { findOwnership, readEvents, readReplay, readSnapshot, type Backlog } from './event-store.ts';
import { MissedEventsSweep } from './missed-events-sweep.ts';
import type { VmEvent } from './vm-event.ts';

export interface EventRequest {
  readonly userId: string;
  /** Only this VM's events; NOT_FOUND when the account never had it. */
  readonly vmId?: string | undefined;
  /** The `seq` of the last event that the client has seen; BAD_USER_INPUT when it is not a number. */
  readonly after?: string | undefined;
  /** Whether SNAPSHOT_END or REPLAY_END follows the backlog. */
  readonly markers?: boolean | undefined;
  /** The reader's connection, which is closed when it reads too slowly. */
  readonly connection?: Cuttable | undefined;
}

interface EventStreamsOptions {
  readonly db: Db;
  readonly listener: Listener;
  readonly bootProgress: BootProgress;
  readonly log: Log;
}

/**
 * From an event to its subscribers: `#onNotification` → `AccountEvents.notify` → `EventReader.deliver`.
 * From a subscriber to its events: `subscribe` → `#readMore` (its backlog) → `AccountEvents.accept` (live).
 *
 * INVARIANTS
 * - A reader joins its account before its backlog is read. Whatever commits after the backlog notifies the account,
 *   so nothing falls between the two.
 * - A lost notification delays an event and loses none: the sweep finds it, and so does a reconnect of the listener.
 * - The map holds exactly the accounts that have a reader here. Other accounts cost nothing.
 */
export class EventStreams {
  readonly #db: Db;
  readonly #log: Log;
  readonly #accounts = new Map<string, AccountEvents>();
  readonly #source: EventSource;
  readonly #hooks: ReaderHooks;
  readonly #sweep: MissedEventsSweep;
  readonly #unlisten: readonly (() => void)[];
  #isClosing = false;

  constructor({ db, listener, bootProgress, log }: EventStreamsOptions) {
    this.#db = db;
    this.#log = log;
    this.#source = {
      readAfter: (userId, seq) => readEvents(db, userId, seq),
      onDelivered: ({ at }) =>
        measures.eventLagSeconds.observe(secondsBetween(Date.parse(at), listener.databaseTime())),
      onError: (userId, error) => this.#report(error, 'failed to read events; the next sweep tries again', { userId }),
    };
    this.#hooks = { readMore: (reader) => this.#readMore(reader), onClose: (reader) => this.#leave(reader) };
    this.#sweep = new MissedEventsSweep({
      db,
      accounts: this.#accounts,
      onError: (error) => this.#report(error, 'failed to look for missed events; trying again'),
    });
    this.#unlisten = [
      listener.on('vm_event', (payload) => this.#onNotification(payload)),
      listener.onResync(() => this.#onResync()),
      bootProgress.onProgress((note) => this.#accounts.get(note.u)?.notifyProgress(note)),
    ];
  }

  /**
   * Resolves once no later event can be missed. `return()` frees everything at once; `for await` calls it. The iterator
   * rejects with a SlowReaderError when its reader falls too far behind.
   */
  async subscribe(request: EventRequest): Promise<AsyncIterableIterator<VmEvent>> {
    const { userId, vmId, after, markers = false, connection } = request;
    const reader = new EventReader(this.#hooks, { userId, vmId, after: parseCursor(after), markers, connection });
    this.#join(reader);
    try {
      await this.#readMore(reader);
    } catch (error) {
      await reader.return();
      throw error;
    }
    return reader;
  }

  #join(reader: EventReader): void {
    const { userId } = reader;
    const account = this.#accounts.get(userId) ?? new AccountEvents(userId, this.#source);
    this.#accounts.set(userId, account);
    account.add(reader);
  }

  /** Reads the next page of the reader's backlog. After the last page the reader goes live. */
  async #readMore(reader: EventReader): Promise<void> {
    const page = await this.#readBacklog(reader);
    reader.addBacklog(page);
    // A reader that was closed meanwhile has left its account.
    if (page.complete && reader.isOpen) this.#accounts.get(reader.userId)?.accept(reader, page.seq);
  }

  /** The events since the reader's cursor; without a usable cursor, the state of each VM. */
  async #readBacklog(reader: EventReader): Promise<Backlog> {
    const { userId, vmId, seen: after } = reader;
    const ownership = vmId === undefined ? 'has' : await findOwnership(this.#db, userId, vmId);
    if (ownership === undefined) throw new ApiError('NOT_FOUND');
    if (ownership !== 'has' && (after === undefined || after >= ownership.seq)) throw new ApiError('NOT_FOUND');
    const replay = after === undefined ? undefined : await readReplay(this.#db, userId, after);
    if (replay !== undefined) return replay;
    if (ownership !== 'has') return { seq: ownership.seq, events: [ownership], complete: true, isSnapshot: false };
    const snapshot = await readSnapshot(this.#db, userId, vmId);
    // The VM was deleted after the first statement, and the snapshot is of later than its last event.
    if (vmId !== undefined && snapshot.events.length === 0) return this.#readBacklog(reader);
    return snapshot;
  }

  #onNotification(payload: string): void {
    if (this.#accounts.size === 0) return;
    const { userId, event } = decodeEventNote(payload);
    this.#accounts.get(userId)?.notify(event);
  }

  #onResync(): void {
    for (const account of this.#accounts.values()) account.notify();
  }

  #leave(reader: EventReader): void {
    const account = this.#accounts.get(reader.userId);
    account?.remove(reader);
    if (account?.size === 0) this.#accounts.delete(reader.userId);
  }

  /** The number of open readers. */
  count(): number {
    return [...this.#accounts.values()].reduce((sum, { size }) => sum + size, 0);
  }

  close(): void {
    this.#isClosing = true;
    this.#sweep.close();
    for (const stop of this.#unlisten) stop();
    for (const account of this.#accounts.values()) account.forEachReader((reader) => reader.end());
  }

  /** Skips database outages: they are logged where they are noticed. */
  #report(error: unknown, message: string, details: object = {}): void {
    if (!this.#isClosing && !isDatabaseUnavailable(error)) this.#log.warn({ err: error, ...details }, message);
  }
}

function parseCursor(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after))
    throw badInput([{ path: 'after', message: 'must be the seq of an event, a whole number in decimal.' }]);
  return Number(after);
}

function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1_000;
}
