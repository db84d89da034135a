export interface MisspeltSetting {
  /** The variable that is set. */
  readonly name: string;
  /** The setting that is close to it. */
  readonly meant: string;
}

/** Variables that are set and are no settings, but close to one that is not set. */
export function findMisspeltSettings(
  env: Readonly<Record<string, string | undefined>>,
  settings: readonly string[],
): MisspeltSetting[] {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const missing = settings.filter((name) => !isSet(name));
  const others = Object.keys(env).filter((name) => isSet(name) && !settings.includes(name));
  return others.flatMap((name) => {
    const [nearest] = missing
      .map((meant) => ({ meant, edits: editsBetween(name, meant) }))
      .filter(({ meant, edits }) => edits <= allowedEdits(meant))
      .toSorted((one, other) => one.edits - other.edits);
    return nearest === undefined ? [] : [{ name, meant: nearest.meant }];
  });
}

/** A short name is close to many that are something else. */
function allowedEdits({ length }: string): number {
  return Math.min(3, Math.floor(length / 4));
}

/**
 * How many characters must be added, removed, replaced, or swapped with their neighbour (the optimal string alignment
 * distance), ignoring case.
 */
export function editsBetween(one: string, other: string): number {
  const [from, to] = [one.toUpperCase(), other.toUpperCase()];
  // `rows[i][j]`: between the first i characters of the one and the first j of the other.
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_unused, index) => index)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= from.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= to.length; j += 1) {
      const isSame = from[i - 1] === to[j - 1];
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const ways = [at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (isSame ? 0 : 1)];
      rows[i]?.push(Math.min(...ways, ...(isSwapped ? [at(i - 2, j - 2) + 1] : [])));
    }
  }
  return at(from.length, to.length);
}
