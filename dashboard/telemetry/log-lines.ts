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
  #known: ReadonlySet<string> = new Set();
  #count: number;

  constructor(before: readonly ShownLine[] = []) {
    this.#lines = [...before];
    this.#count = before.at(-1)?.id ?? 0;
  }

  /** A stream begins, which sends the last lines of the gateway again. */
  begin(): void {
    this.#known = new Set(this.#lines.map(keyOf));
  }

  /** Returns whether the line is new. */
  add(line: LogLine): boolean {
    if (this.#known.has(keyOf(line))) return false;
    this.#count += 1;
    this.#lines.push({ ...line, id: this.#count });
    return true;
  }

  /** The lines so far. Always a new array, because components compare it with the last one. */
  toArray(): readonly ShownLine[] {
    if (this.#lines.length > MOST_LINES) this.#lines = this.#lines.slice(-MOST_LINES);
    return [...this.#lines];
  }
}

function keyOf({ at, text }: LogLine): string {
  return `${at} ${text}`;
}
