/** A page of a connection, the newest first. */
export interface PageOf<Item> {
  readonly nodes: readonly Item[];
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
}

/** The pages that have been loaded of a list, as one. */
export interface Pages<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins, which is older; null at the end. */
  readonly next: string | null;
  /** Whether older pages were asked for, which then stay. */
  readonly isExtended: boolean;
}

type KeyOf<Item> = (item: Item) => string;

function nextOf({ pageInfo }: PageOf<unknown>): string | null {
  return pageInfo.hasNextPage ? pageInfo.endCursor : null;
}

/** The list with the next page at its end. What is there already is not added again. Pure. */
export function withOlder<Item>({ items }: Pages<Item>, page: PageOf<Item>, keyOf: KeyOf<Item>): Pages<Item> {
  const known = new Set(items.map(keyOf));
  const older = page.nodes.filter((item) => !known.has(keyOf(item)));
  return { items: [...items, ...older], next: nextOf(page), isExtended: true };
}

/**
 * The list with its first page as it is now. Only the page is left if nobody has asked for older ones, so that a list
 * that is followed for hours does not grow, and if the page does not reach what is there. Pure.
 */
export function withNewest<Item>(before: Pages<Item> | undefined, page: PageOf<Item>, keyOf: KeyOf<Item>): Pages<Item> {
  const fresh = new Set(page.nodes.map(keyOf));
  const rest = before?.items.filter((item) => !fresh.has(keyOf(item))) ?? [];
  const meets = before !== undefined && rest.length < before.items.length;
  if (!meets || !before.isExtended) return { items: page.nodes, next: nextOf(page), isExtended: false };
  return { ...before, items: [...page.nodes, ...rest] };
}
