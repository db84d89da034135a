import { PushQueue } from '../../lib/concurrency/push-queue.ts';
import { fromLogCursor, isBehind, nextPosition, toLogCursor, type LogPosition } from './log-position.ts';

/** A line as the engine has it. */
export interface WrittenLine {
  readonly at: Date;
  /** 'gateway': not of the app, but about its lines that were left out. */
  readonly stream: 'stdout' | 'stderr' | 'gateway';
  readonly text: string;
}

export interface LogLine extends WrittenLine {
  /** Resumes behind it. A line of the gateway has that of the line before. */
  readonly cursor: string;
}

/** What a follower gets of the lines so far: the last `tail`, or those behind `after`. */
export interface LogStart {
  readonly tail: number;
  readonly after?: LogPosition | undefined;
}

export interface LogSource {
  /** The last lines so far. */
  past(signal: AbortSignal): AsyncIterable<WrittenLine>;
  /** The lines after the position. Those that are not admitted are left out; see `LogOptions.admit`. */
  live(
    position: LogPosition | undefined,
    admit: (bytes: number) => boolean,
    signal: AbortSignal,
  ): AsyncIterable<WrittenLine>;
  /** Takes points from what the account may be sent; false, and takes none, if it has none left. */
  takePoints(points: number): boolean;
  /** Called when no follower can join any more. May be called twice. */
  onEnd(): void;
}

interface Follower {
  readonly queue: PushQueue<LogLine>;
  readonly start: LogStart;
  /** The lines that it missed because it read too slowly. */
  missed: number;
}

/** Past lines that a follower can ask for, and how long these may be together. */
export const RECENT_LINES = 1_000;
const RECENT_LENGTH = 2 * 2 ** 20;
/** How far a follower may be behind. */
const QUEUE_LIMIT = 1_000;
const REPORT_EVERY_MS = 1_000;
const BYTES_PER_POINT = 512;

/**
 * The output of one VM, read once for any number of followers, from the first one until the last one leaves.
 *
 * INVARIANTS
 * - A line takes points for each follower, more if it is long. Without points it is not sent, and its text is never
 *   read. So what followers cost does not depend on what the app writes.
 * - A follower that misses lines gets a line within a second that says how many.
 */
export class LogFeed {
  readonly #source: LogSource;
  readonly #followers = new Set<Follower>();
  readonly #closing = new AbortController();
  #position: LogPosition | undefined;
  #recent: LogLine[] = [];
  #recentLength = 0;
  #leftOut = 0;
  #isLoaded = false;

  constructor(source: LogSource) {
    this.#source = source;
    void this.#run();
  }

  /** The lines so far from the start on, then each new one. */
  follow(start: LogStart): AsyncIterableIterator<LogLine> {
    const queue = new PushQueue<LogLine>({ limit: QUEUE_LIMIT, onClose: () => this.#leave(follower) });
    const follower: Follower = { queue, start, missed: 0 };
    this.#followers.add(follower);
    if (this.#isLoaded) this.#preload(follower);
    return queue;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const source = this.#source;
    const reports = setInterval(() => this.#report(), REPORT_EVERY_MS).unref();
    try {
      for await (const line of source.past(signal)) this.#remember(this.#toLine(line));
      this.#isLoaded = true;
      for (const follower of this.#followers) this.#preload(follower);
      const admit = (bytes: number): boolean => this.#admit(bytes);
      for await (const line of source.live(this.#position, admit, signal)) this.#send(this.#toLine(line));
      this.#report();
      for (const { queue } of this.#followers) queue.end();
    } catch (error) {
      for (const { queue } of this.#followers) queue.fail(error);
    } finally {
      clearInterval(reports);
      source.onEnd();
    }
  }

  #admit(bytes: number): boolean {
    const isAdmitted = this.#source.takePoints(this.#followers.size * (1 + bytes / BYTES_PER_POINT));
    if (!isAdmitted) this.#leftOut += 1;
    return isAdmitted;
  }

  #toLine(line: WrittenLine): LogLine {
    this.#position = nextPosition(this.#position, line);
    return { ...line, cursor: toLogCursor(this.#position) };
  }

  #send(line: LogLine): void {
    this.#remember(line);
    for (const follower of this.#followers) if (!follower.queue.push(line)) follower.missed += 1;
  }

  #remember(line: LogLine): void {
    this.#recent.push(line);
    this.#recentLength += line.text.length;
    while (this.#recent.length > RECENT_LINES || this.#recentLength > RECENT_LENGTH)
      this.#recentLength -= this.#recent.shift()?.text.length ?? 0;
  }

  /** The newest lines first take their points. */
  #preload({ queue, start: { tail, after } }: Follower): void {
    const wanted =
      after === undefined ? this.#recent.slice(Math.max(0, this.#recent.length - tail)) : this.#behind(after);
    const unpaid = wanted.findLastIndex(({ text }) => !this.#source.takePoints(1 + text.length / BYTES_PER_POINT));
    const leftOut = unpaid + 1;
    queue.preload([...(leftOut > 0 ? [this.#toReport(leftOut)] : []), ...wanted.slice(leftOut)]);
  }

  /** By the line itself, because lines are not always in the order of their times. */
  #behind(after: LogPosition): readonly LogLine[] {
    const cursor = toLogCursor(after);
    const at = this.#recent.findLastIndex((line) => line.cursor === cursor);
    if (at >= 0) return this.#recent.slice(at + 1);
    return this.#recent.filter((line) => isBehind(fromLogCursor(line.cursor) ?? after, after));
  }

  #report(): void {
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    if (leftOut > 0) this.#remember(this.#toReport(leftOut));
    for (const follower of this.#followers) {
      follower.missed += leftOut;
      if (follower.missed > 0 && follower.queue.push(this.#toReport(follower.missed))) follower.missed = 0;
    }
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0 || this.#closing.signal.aborted) return;
    // The next follower must open a new feed: this one is closing.
    this.#source.onEnd();
    this.#closing.abort();
  }

  #toReport(count: number): LogLine {
    const lines = count === 1 ? '1 line was' : `${count} lines were`;
    const text = `At least ${lines} left out here: there was more than an account is sent at once.`;
    const cursor = toLogCursor(this.#position ?? { since: new Date(0), skip: 0 });
    return { at: new Date(), stream: 'gateway', text, cursor };
  }
}
