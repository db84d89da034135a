/** The values of a header in a flat list of names and values; `name` is in lower case. */
export function valuesOf(raw: readonly string[], name: string): readonly string[] {
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
}
