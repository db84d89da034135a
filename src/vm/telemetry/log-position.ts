/**
 * Where a reader of the log is. Lines have times of a millisecond, and one may hold many lines, so those of the last
 * one that were read are counted.
 */
export interface LogPosition {
  readonly since: Date;
  /** How many lines of exactly `since` were read. */
  readonly skip: number;
}

const CURSOR = /^(\d{1,15})-(\d{1,9})$/;

/** The position after one more line. */
export function nextPosition(position: LogPosition | undefined, { at }: { readonly at: Date }): LogPosition {
  const isSame = position?.since.getTime() === at.getTime();
  return { since: at, skip: isSame ? position.skip + 1 : 1 };
}

/** The cursor of the last line that was read. */
export function toLogCursor({ since, skip }: LogPosition): string {
  return `${since.getTime()}-${skip}`;
}

/** Undefined if the text is not the cursor of a line. */
export function fromLogCursor(text: string): LogPosition | undefined {
  const [, time, skip] = CURSOR.exec(text) ?? [];
  return time === undefined ? undefined : { since: new Date(Number(time)), skip: Number(skip) };
}

/** Whether the first position is behind the second. */
export function isBehind(one: LogPosition, other: LogPosition): boolean {
  const difference = one.since.getTime() - other.since.getTime();
  return difference === 0 ? one.skip > other.skip : difference > 0;
}
