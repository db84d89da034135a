import { ApiError } from '../errors.ts';
import { PushQueue } from '../lib/concurrency/push-queue.ts';
import type { ProgressNote } from './append-event.ts';
import type { Backlog } from './event-store.ts';
import { toMarker, type VmEvent } from './vm-event.ts';

/** How many events a live reader may be behind. An event has a few hundred bytes and is shared by all readers. */
const MAX_BEHIND = 1_000;
/** A reader with more unread events than this gets no progress: the next note replaces it anyway. */
const MAX_UNREAD_FOR_PROGRESS = 16;

/** Sent to a slow reader as its connection is closed. Short enough for a WebSocket close frame. */
export const SLOW_READER_REASON = 'Reader too slow; resume with `after`, the last seq that you have seen.';

/** The stream ended early because its reader was too far behind. It can resume with `after` and loses nothing. */
export class SlowReaderError extends ApiError {
  constructor() {
    super('RATE_LIMITED', SLOW_READER_REASON);
  }
}

/** Callbacks shared by all readers of a gateway. */
export interface ReaderHooks {
  /** Calls `addBacklog` with the next page and, after the last one, `goLive`. */
  readonly readMore: (reader: EventReader) => Promise<void>;
  readonly onClose: (reader: EventReader) => void;
}

export interface ReaderRequest {
  readonly userId: string;
  /** Only this VM's events. The reader ends after DELETED. */
  readonly vmId: string | undefined;
  /** The last number that the client has seen. Undefined: start with snapshots. */
  readonly after: number | undefined;
  /** Whether a marker follows the backlog. */
  readonly markers: boolean;
  /** Closed when the reader is too far behind: a transport that is stuck in a write may never see the stream end. */
  readonly connection: Cuttable | undefined;
}

/** A reader's connection. */
export interface Cuttable {
  /** Closes the connection, with a reason if the transport has room for one. */
  cut(): void;
}

/**
 * One subscriber's position in its account's events. It starts in its backlog: it holds one page and requests the next
 * when that is read. Once it has caught up, `AccountEvents` delivers to it.
 */
export class EventReader extends PushQueue<VmEvent> {
  readonly userId: string;
  readonly vmId: string | undefined;
  readonly #hooks: ReaderHooks;
  readonly #connection: Cuttable | undefined;
  readonly #markers: boolean;
  /** Whether the backlog has snapshots. */
  #isSnapshot = false;
  #seen: number | undefined;
  #live = false;
  #isReadingMore = false;

  constructor(hooks: ReaderHooks, { userId, vmId, after, markers, connection }: ReaderRequest) {
    // The cast is safe: only readers are created with these hooks.
    super({ limit: MAX_BEHIND, onClose: hooks.onClose as (queue: PushQueue<VmEvent>) => void });
    this.#hooks = hooks;
    this.userId = userId;
    this.vmId = vmId;
    this.#seen = after;
    this.#markers = markers;
    this.#connection = connection;
  }

  /**
   * The last number served; anything up to it is dropped. Undefined until a reader without a cursor has its first page.
   */
  get seen(): number | undefined {
    return this.#seen;
  }

  /** Adds the next page of the backlog. It covers the account's events up to `seq`. */
  addBacklog({ events, seq, isSnapshot }: Backlog): void {
    this.#isSnapshot ||= isSnapshot;
    const own = this.vmId === undefined ? events : events.filter((event) => event.vmId === this.vmId);
    this.#seen = seq;
    this.preload(own);
    if (this.vmId !== undefined && own.at(-1)?.kind === 'DELETED') this.end();
  }

  /** The backlog is complete: from now on `deliver` takes effect. */
  goLive(): void {
    this.#live = true;
    if (this.#markers) this.preload([toMarker(this.#isSnapshot ? 'SNAPSHOT_END' : 'REPLAY_END', this.#seen ?? 0)]);
  }

  deliver(event: VmEvent): void {
    if (!this.#live || event.seq <= (this.#seen ?? 0)) return;
    this.#seen = event.seq;
    if (this.vmId !== undefined && this.vmId !== event.vmId) return;
    if (!this.push(event)) {
      this.fail(new SlowReaderError());
      this.#connection?.cut();
    }
    if (event.kind === 'DELETED' && this.vmId !== undefined) this.end();
  }

  /** `shared` is the note as an event at the account's cursor. A reader that is further on gets its own copy. */
  deliverProgress(note: ProgressNote, shared: VmEvent): void {
    if (!this.#live || (this.vmId !== undefined && this.vmId !== note.v) || this.size >= MAX_UNREAD_FOR_PROGRESS)
      return;
    const seq = Math.max(this.#seen ?? 0, shared.seq);
    this.push(seq > shared.seq ? { ...shared, seq } : shared);
  }

  override next(): Promise<IteratorResult<VmEvent>> {
    const needsBacklog = this.#needsBacklog();
    const result = super.next();
    if (needsBacklog && !this.#isReadingMore) void this.#readMore();
    return result;
  }

  async #readMore(): Promise<void> {
    this.#isReadingMore = true;
    try {
      while (this.#needsBacklog()) await this.#hooks.readMore(this);
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isReadingMore = false;
    }
  }

  #needsBacklog(): boolean {
    return !this.#live && this.isOpen && this.size === 0;
  }
}
