/** Whether the name of a header is this one; `wanted` is in lower case. */
export function isNamed(name: string, wanted: string): boolean {
  return name.length === wanted.length && name.toLowerCase() === wanted;
}
