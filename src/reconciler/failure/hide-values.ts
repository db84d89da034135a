/** Shorter values are words and numbers that logs are full of. */
const MIN_LENGTH = 6;

/** Replaces the values in the lines: the last lines of a failed app are stored and shown, its secrets must not be. */
export function hideValues(lines: readonly string[], values: readonly string[]): string[] {
  // A value with line breaks appears line by line. Longest first: one value may contain another.
  const hidden = values
    .flatMap((value) => value.split(/\r?\n/))
    .filter((part) => part.length >= MIN_LENGTH)
    .toSorted((a, b) => b.length - a.length);
  return lines.map((line) => hidden.reduce((text, part) => text.replaceAll(part, '•••'), line));
}
