import { expect, it } from 'vitest';
import { acceptedEncoding, type Encoding } from '../../../src/http/request/accepted-encoding.ts';

const BOTH = ['br', 'gzip'];

it.each([
  ['gzip, deflate, br, zstd', BOTH, 'br'],
  ['gzip, deflate, br, zstd', ['gzip'], 'gzip'],
  ['gzip, deflate, br, zstd', [], 'identity'],
  ['GZIP', BOTH, 'gzip'],
  ['br;q=0, gzip;q=0.5', BOTH, 'gzip'],
  ['gzip;q=0.8;x=1, br;q=0.000', BOTH, 'gzip'],
  ['*', BOTH, 'br'],
  ['*, br;q=0', BOTH, 'gzip'],
  ['deflate', BOTH, 'identity'],
  ['', BOTH, 'identity'],
  [undefined, BOTH, 'identity'],
] as const)('Accept-Encoding: %s, of %j, gets %s', (header, present, expected) => {
  const has = (encoding: Encoding) => (present as readonly string[]).includes(encoding);
  expect(acceptedEncoding({ headers: { 'accept-encoding': header } }, has)).toBe(expected);
});
