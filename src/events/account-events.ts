import type { ProgressNote } from './append-event.ts';
import type { EventReader } from './event-reader.ts';
import type { VmEvent } from './vm-event.ts';

/** The event table as an account reads it. All accounts share one object. */
export interface EventSource {
  /** The account's events after `seq`, oldest first. `complete`: there were no more. */
  readonly readAfter: (userId: string, seq: number) => Promise<{ events: VmEvent[]; complete: boolean }>;
  /** Called for each event that is delivered, once for all readers. */
  readonly onDelivered: (event: VmEvent) => void;
  readonly onError: (userId: string, error: unknown) => void;
}

/**
 * Delivers the events of one account to all its readers in this gateway.
 *
 * INVARIANTS
 * - All live readers share one cursor: each has been offered every event up to it.
 * - At most one query runs at a time, whatever the number of readers.
 * - Events are delivered in the order of the table, without gaps. A notification that carries the event right after the
 *   cursor is delivered as it is, because numbers are gapless and in commit order; any other only triggers a read.
 */
export class AccountEvents {
  /** Unordered and without spare capacity: most accounts have one reader, and a Set of one takes ten times as much. */
  #readers: EventReader[] = [];
  /** The last delivered number; undefined until the first reader has caught up. */
  cursor: number | undefined;
  readonly #userId: string;
  readonly #source: EventSource;
  /** Progress that arrived during a read. It is delivered after the events that precede it. */
  #pendingProgress: ProgressNote[] | undefined;
  #isReading = false;
  #mustReadAgain = false;

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

  /**
   * Makes a reader live that has every event up to `seq` and found none after it. If the cursor is already past `seq`,
   * the reader stays in its backlog and reads again.
   */
  accept(reader: EventReader, seq: number): void {
    this.cursor ??= seq;
    if (this.cursor > seq) return;
    reader.goLive();
    // Notifications that arrived before there was a cursor.
    if (this.#mustReadAgain && !this.#isReading) void this.#readNew();
  }

  /** Handles a notification: this event exists or, without one, there may be new events. */
  notify(event?: VmEvent): void {
    if (this.cursor === undefined || this.#isReading) {
      this.#mustReadAgain = true;
      return;
    }
    if (event !== undefined && event.seq <= this.cursor) return;
    if (event?.seq === this.cursor + 1) this.#deliver(event);
    else void this.#readNew();
  }

  notifyProgress(note: ProgressNote): void {
    if (this.#isReading) (this.#pendingProgress ??= []).push(note);
    else this.#deliverProgress(note);
  }

  async #readNew(): Promise<void> {
    this.#isReading = true;
    try {
      do {
        this.#mustReadAgain = false;
        const { events, complete } = await this.#source.readAfter(this.#userId, this.cursor ?? 0);
        for (const event of events) this.#deliver(event);
        this.#mustReadAgain ||= !complete;
      } while (this.#mustReadAgain);
    } catch (error) {
      this.#source.onError(this.#userId, error);
    } finally {
      this.#isReading = false;
    }
    for (const note of this.#pendingProgress?.splice(0) ?? []) this.#deliverProgress(note);
  }

  #deliver(event: VmEvent): void {
    this.cursor = event.seq;
    this.forEachReader((reader) => reader.deliver(event));
    this.#source.onDelivered(event);
  }

  #deliverProgress(note: ProgressNote): void {
    if (this.cursor === undefined) return;
    const { v, s, p } = note;
    const event: VmEvent = {
      seq: this.cursor,
      kind: 'PROGRESS',
      vmId: v,
      status: s,
      at: new Date().toISOString(),
      progress: p,
    };
    this.forEachReader((reader) => reader.deliverProgress(note, event));
  }

  /** Iterates backwards: `remove` puts the last reader, already visited, in the place of one that leaves. */
  forEachReader(visit: (reader: EventReader) => void): void {
    for (let index = this.#readers.length - 1; index >= 0; index -= 1) {
      const reader = this.#readers[index];
      if (reader !== undefined) visit(reader);
    }
  }

  remove(reader: EventReader): void {
    const index = this.#readers.indexOf(reader);
    const last = this.#readers.pop();
    if (index === -1 || last === undefined) throw new Error('The reader is not in this account.');
    if (last !== reader) this.#readers[index] = last;
  }
}
