/** Which part of an ordered list is asked for. Its items have numbers, which are the cursors. */
export interface PageRequest {
  readonly size: number;
  /** Whether it is the end of the list that is asked for, and not its beginning. */
  readonly fromEnd: boolean;
  /** Only items that follow the one with this number. */
  readonly after: number | undefined;
  /** Only items that precede the one with this number. */
  readonly before: number | undefined;
}

export interface Page<T> {
  /** In the order of the list. */
  readonly items: readonly T[];
  /** Whether there are more items between the cursors. */
  readonly hasMore: boolean;
}

/** The page of rows that were read in the direction of the request, with one more than its size. */
export function toPage<T>(rows: readonly T[], { size, fromEnd }: Pick<PageRequest, 'size' | 'fromEnd'>): Page<T> {
  const items = rows.slice(0, size);
  return { items: fromEnd ? items.toReversed() : items, hasMore: rows.length > size };
}
