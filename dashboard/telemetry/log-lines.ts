import type { LogLine } from '../api/subscriptions.ts';

/** Older lines are dropped. */
export const MOST_LINES = 5_000;

/** A line on the screen. `id` counts the lines from the first one. */
export interface ShownLine extends LogLine {
  readonly id: number;
}

/** The last lines of a VM's output. */
export class LogLines {
  #lines: ShownLine[];
  #count: number;

  constructor(before: readonly ShownLine[] = []) {
    this.#lines = [...before];
    this.#count = before.at(-1)?.id ?? 0;
  }

  /** Where a stream goes on; undefined before the first line. */
  get cursor(): string | undefined {
    return this.#lines.at(-1)?.cursor;
  }

  add(line: LogLine): void {
    this.#count += 1;
    this.#lines.push({ ...line, id: this.#count });
  }

  /** The lines so far. Always a new array, because components compare it with the last one. */
  toArray(): readonly ShownLine[] {
    if (this.#lines.length > MOST_LINES) this.#lines = this.#lines.slice(-MOST_LINES);
    return [...this.#lines];
  }
}
