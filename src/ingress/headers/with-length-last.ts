/**
 * The headers with Content-Length behind Content-Disposition. Behind a length, Node turns the value into bytes and then
 * refuses them as a header if one is beyond ASCII, as in the name of a file.
 */
export function withLengthLast(raw: readonly string[]): string[] {
  const headers = [...raw];
  if (!headers.some((name, at) => at % 2 === 0 && isNamed(name, 'content-disposition'))) return headers;
  const at = headers.findIndex((name, index) => index % 2 === 0 && isNamed(name, 'content-length'));
  return at === -1 ? headers : [...headers.slice(0, at), ...headers.slice(at + 2), ...headers.slice(at, at + 2)];
}

function isNamed(name: string, wanted: string): boolean {
  return name.length === wanted.length && name.toLowerCase() === wanted;
}
