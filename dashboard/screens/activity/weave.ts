interface Dated {
  readonly at: string;
}

/** A list that may go on with what is older. */
interface Loaded<Item> {
  readonly items: readonly Item[];
  readonly isWhole: boolean;
}

/**
 * Two lists as one by time, the newest first. It ends where one of them has not been loaded any further: what follows
 * there would have holes. Pure.
 */
export function weave<One extends Dated, Other extends Dated>(
  one: Loaded<One>,
  other: Loaded<Other>,
): readonly (One | Other)[] {
  const ends = [one, other].flatMap(({ items, isWhole }) => (isWhole ? [] : [items.at(-1)?.at ?? '']));
  const from = ends.toSorted().at(-1) ?? '';
  return [...one.items, ...other.items]
    .filter(({ at }) => at >= from)
    .toSorted((first, second) => second.at.localeCompare(first.at));
}
