/** Parses a port range such as `30000-30999`, or a single port. Throws for other texts. */
export function parsePortRange(text: string): { readonly from: number; readonly to: number } {
  const [, first, last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from >= 1024 && from <= to && to <= 65_535)) {
    throw new Error(`"${text}" is not a port range within 1024 to 65535, such as 30000-30999.`);
  }
  return { from, to };
}
