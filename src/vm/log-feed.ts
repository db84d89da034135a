import { PushQueue } from '../lib/concurrency/push-queue.ts';

export interface LogLine {
  readonly at: Date;
  /** 'gateway': not of the app, but about its lines that were left out. */
  readonly stream: 'stdout' | 'stderr' | 'gateway';
  readonly text: string;
}

/**
 * Where a reader of the log is. Lines have times of a millisecond, and one may hold many lines, so those of the last
 * one that were read are counted.
 */
export interface LogPosition {
  readonly since: Date;
  /** How many lines of exactly `since` were read. */
  readonly skip: number;
}

/** The position after one more line. */
export function nextPosition(position: LogPosition | undefined, { at }: Pick<LogLine, 'at'>): LogPosition {
  const isSame = position?.since.getTime() === at.getTime();
  return { since: at, skip: isSame ? position.skip + 1 : 1 };
}

export interface LogSource {
  /** The last lines so far. */
  past(signal: AbortSignal): AsyncIterable<LogLine>;
  /** The lines after the position. Those that are not admitted are left out; see `LogOptions.admit`. */
  live(
    position: LogPosition | undefined,
    admit: (bytes: number) => boolean,
    signal: AbortSignal,
  ): AsyncIterable<LogLine>;
  /** Takes points from what the account may be sent; false, and takes none, if it has none left. */
  takePoints(points: number): boolean;
  /** Called when no follower can join any more. May be called twice. */
  onEnd(): void;
}

interface Follower {
  readonly queue: PushQueue<LogLine>;
  readonly tail: number;
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
  #recent: LogLine[] = [];
  #recentLength = 0;
  #leftOut = 0;
  #isLoaded = false;

  constructor(source: LogSource) {
    this.#source = source;
    void this.#run();
  }

  /** The last `tail` lines, then each new one. */
  follow(tail: number): AsyncIterableIterator<LogLine> {
    const queue = new PushQueue<LogLine>({ limit: QUEUE_LIMIT, onClose: () => this.#leave(follower) });
    const follower: Follower = { queue, tail, missed: 0 };
    this.#followers.add(follower);
    if (this.#isLoaded) this.#preload(follower);
    return queue;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const source = this.#source;
    const reports = setInterval(() => this.#report(), REPORT_EVERY_MS).unref();
    try {
      let position: LogPosition | undefined;
      for await (const line of source.past(signal)) {
        this.#remember(line);
        position = nextPosition(position, line);
      }
      this.#isLoaded = true;
      for (const follower of this.#followers) this.#preload(follower);
      const admit = (bytes: number): boolean => this.#admit(bytes);
      for await (const line of source.live(position, admit, signal)) this.#send(line);
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
  #preload({ queue, tail }: Follower): void {
    const wanted = tail === 0 ? [] : this.#recent.slice(-tail);
    const unpaid = wanted.findLastIndex(({ text }) => !this.#source.takePoints(1 + text.length / BYTES_PER_POINT));
    const leftOut = unpaid + 1;
    queue.preload([...(leftOut > 0 ? [toReport(leftOut)] : []), ...wanted.slice(leftOut)]);
  }

  #report(): void {
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    if (leftOut > 0) this.#remember(toReport(leftOut));
    for (const follower of this.#followers) {
      follower.missed += leftOut;
      if (follower.missed > 0 && follower.queue.push(toReport(follower.missed))) follower.missed = 0;
    }
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0 || this.#closing.signal.aborted) return;
    // The next follower must open a new feed: this one is closing.
    this.#source.onEnd();
    this.#closing.abort();
  }
}

function toReport(count: number): LogLine {
  const lines = count === 1 ? '1 line was' : `${count} lines were`;
  const text = `At least ${lines} left out here: there was more than an account is sent at once.`;
  return { at: new Date(), stream: 'gateway', text };
}
