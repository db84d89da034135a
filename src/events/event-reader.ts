import { ApiError } from '../errors.ts';
import { PushQueue, type Waiter } from '../lib/push-queue.ts';
import type { ProgressNote } from './append-event.ts';
import type { VmEvent } from './vm-event.ts';

/** How many events a live reader may be behind. An event is a few hundred bytes, and all readers of an account share it. */
const MAX_BEHIND = 1_000;
/** A reader with more than this before it is told no progress: the next note says more. */
const MAX_BEFORE_PROGRESS = 16;

/** Told to a reader that is cut; short enough for a WebSocket's close frame. */
export const SLOW_READER_REASON = 'You read too slowly; resume with `after`, the last seq that you have seen.';

/** Why a stream ended early: its reader was too far behind. Nothing is lost to it: `after` goes on where it stopped. */
export class SlowReaderError extends ApiError {
  constructor() {
    super('RATE_LIMITED', SLOW_READER_REASON);
  }
}

/** What all readers of a gateway have in common. */
export interface ReaderHome {
  /** Hands over more of the past with `begin`, and says `goLive` when there is no more of it. */
  readonly readOn: (reader: EventReader) => Promise<void>;
  readonly onClose: (reader: EventReader) => void;
}

/** What a reader reads. */
export interface ReaderRequest {
  readonly userId: string;
  /** Only this VM's events; the reader ends after its DELETED. */
  readonly vmId: string | undefined;
  /** Up to where its client has seen the account's events; undefined: it begins with snapshots. */
  readonly after: number | undefined;
  /** Cut when it is too far behind: stuck in a write, its transport may never see the stream's end. */
  readonly connection: Cuttable | undefined;
}

/** What a reader sits at the end of. */
export interface Cuttable {
  /** Ends the connection, with a reason where it can carry one. */
  cut(): void;
}

/**
 * One subscriber's place in its account's events. It begins in the past, of which it holds one page at a time and asks for
 * the next when that is read; once it has caught up, its feed delivers to it.
 */
export class EventReader extends PushQueue<VmEvent> {
  readonly userId: string;
  readonly vmId: string | undefined;
  readonly #home: ReaderHome;
  readonly #connection: Cuttable | undefined;
  #seen: number | undefined;
  #live = false;
  #isReading = false;

  constructor(home: ReaderHome, { userId, vmId, after, connection }: ReaderRequest) {
    // A reader is the only kind of queue that is made with this function.
    super({ limit: MAX_BEHIND, onClose: home.onClose as (queue: PushQueue<VmEvent>) => void });
    this.#home = home;
    this.userId = userId;
    this.vmId = vmId;
    this.#seen = after;
    this.#connection = connection;
  }

  /** Up to where it was served; what comes again is dropped. Undefined before it has begun without a cursor. */
  get seen(): number | undefined {
    return this.#seen;
  }

  /** The next page of its past, which reaches up to `seq`. */
  begin(events: readonly VmEvent[], seq: number): void {
    const own = this.vmId === undefined ? events : events.filter((event) => event.vmId === this.vmId);
    this.#seen = seq;
    this.preload(own);
    if (this.vmId !== undefined && own.at(-1)?.kind === 'DELETED') this.end();
  }

  /** It has the whole past: from here on it takes what is delivered. */
  goLive(): void {
    this.#live = true;
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

  /** `shared` is the note as an event after the feed's last one; a reader that is further on gets one of its own. */
  deliverProgress(note: ProgressNote, shared: VmEvent): void {
    if (!this.#live || (this.vmId !== undefined && this.vmId !== note.v) || this.size >= MAX_BEFORE_PROGRESS) return;
    const seq = Math.max(this.#seen ?? 0, shared.seq);
    this.push(seq > shared.seq ? { ...shared, seq } : shared);
  }

  override whenReady(waiter: Waiter): void {
    super.whenReady(waiter);
    if (this.#mustReadOn() && !this.#isReading) void this.#readOn();
  }

  async #readOn(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#mustReadOn()) await this.#home.readOn(this);
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isReading = false;
    }
  }

  #mustReadOn(): boolean {
    return !this.#live && this.isOpen && this.size === 0;
  }
}
