import { isNamed } from './is-named.ts';
import { valuesOf } from './values-of.ts';

/**
 * The headers with Content-Length behind Content-Disposition. Behind a length, Node turns the value into bytes and then
 * refuses them as a header if one is beyond ASCII, as in the name of a file.
 */
export function withLengthLast(raw: string[]): string[] {
  if (valuesOf(raw, 'content-disposition').length === 0) return raw;
  const at = raw.findIndex((name, index) => index % 2 === 0 && isNamed(name, 'content-length'));
  return at === -1 ? raw : [...raw.slice(0, at), ...raw.slice(at + 2), ...raw.slice(at, at + 2)];
}
