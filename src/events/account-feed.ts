import type { ProgressNote } from './append-event.ts';
import type { EventReader } from './event-reader.ts';
import type { VmEvent } from './vm-event.ts';

/** Where every feed reads; one object for all of them. */
export interface EventSource {
  /** The account's events after the number, oldest first; `complete` when there were no more of them. */
  readonly readAfter: (userId: string, seq: number) => Promise<{ events: VmEvent[]; complete: boolean }>;
  readonly onError: (userId: string, error: unknown) => void;
}

/**
 * All readers of one account here: one cursor, and at most one query at a time, whatever their number. A notification
 * that carries the very next event is that event, since numbers are gapless and in the order of commits; any other only
 * says that the table has to be read from the cursor. So order and gaplessness are always the table's.
 */
export class AccountFeed {
  /** In no order, and without spare room: mostly one, and there are thousands of feeds. A Set of one takes ten times as much. */
  #readers: EventReader[] = [];
  /** Up to where it has delivered; undefined until a first reader has caught up. */
  cursor: number | undefined;
  readonly #userId: string;
  readonly #source: EventSource;
  /** Notes of progress that came while the events before them were being read. */
  #notes: ProgressNote[] | undefined;
  #pumping = false;
  #again = false;

  constructor(userId: string, source: EventSource) {
    this.#userId = userId;
    this.#source = source;
  }

  get size(): number {
    return this.#readers.length;
  }

  add(reader: EventReader): void {
    this.#readers = [...this.#readers, reader];
  }

  remove(reader: EventReader): void {
    const place = this.#readers.indexOf(reader);
    const last = this.#readers.pop();
    if (place === -1 || last === undefined) throw new Error('A reader left a feed that it was not in.');
    if (last !== reader) this.#readers[place] = last;
  }

  /**
   * Takes in a reader that has everything up to `seq` and found nothing after it. When the feed is further on by now,
   * the reader stays in the past and reads on.
   */
  admit(reader: EventReader, seq: number): void {
    this.cursor ??= seq;
    if (this.cursor > seq) return;
    reader.goLive();
    // What was notified while nobody was live yet.
    if (this.#again && !this.#pumping) void this.#pump();
  }

  /** There is this event, or, without one, there may be something. */
  wake(event?: VmEvent): void {
    if (this.cursor === undefined || this.#pumping) {
      this.#again = true;
      return;
    }
    if (event !== undefined && event.seq <= this.cursor) return;
    if (event?.seq === this.cursor + 1) this.#deliver(event);
    else void this.#pump();
  }

  progress(note: ProgressNote): void {
    if (this.#pumping) (this.#notes ??= []).push(note);
    else this.#deliverProgress(note);
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        const { events, complete } = await this.#source.readAfter(this.#userId, this.cursor ?? 0);
        for (const event of events) this.#deliver(event);
        this.#again ||= !complete;
      } while (this.#again);
    } catch (error) {
      this.#source.onError(this.#userId, error);
    } finally {
      this.#pumping = false;
    }
    for (const note of this.#notes?.splice(0) ?? []) this.#deliverProgress(note);
  }

  #deliver(event: VmEvent): void {
    this.cursor = event.seq;
    this.each((reader) => reader.deliver(event));
  }

  #deliverProgress(note: ProgressNote): void {
    if (this.cursor === undefined) return;
    const { v, s, p } = note;
    const event: VmEvent = { seq: this.cursor, kind: 'PROGRESS', vmId: v, status: s, at: new Date().toISOString(), progress: p };
    this.each((reader) => reader.deliverProgress(note, event));
  }

  /** Backwards: one that leaves on the way is replaced by one that had its turn. */
  each(tell: (reader: EventReader) => void): void {
    for (let place = this.#readers.length - 1; place >= 0; place -= 1) {
      const reader = this.#readers[place];
      if (reader !== undefined) tell(reader);
    }
  }
}
