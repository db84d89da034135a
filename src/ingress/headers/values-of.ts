import { isNamed } from './is-named.ts';

/** The values of a header in a flat list of names and values; `name` is in lower case. */
export function valuesOf(raw: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) if (isNamed(raw[at] ?? '', name)) values.push(raw[at + 1] ?? '');
  return values;
}
