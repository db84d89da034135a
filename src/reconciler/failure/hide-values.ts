/** Shorter ones are words and numbers that logs are full of: hiding them would hide the log. */
const SHORTEST = 6;

/** The lines without those values: what an app wrote is kept when it fails, and shown; its secrets are not meant to be. */
export function hideValues(lines: readonly string[], values: readonly string[]): string[] {
  // An app writes a value of many lines line by line. Longer ones first: one may be a part of another.
  const hidden = values
    .flatMap((value) => value.split(/\r?\n/))
    .filter((part) => part.length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length);
  return lines.map((line) => hidden.reduce((text, part) => text.replaceAll(part, '•••'), line));
}
