import fc, { type Arbitrary } from 'fast-check';

/** Any byte, as a character of Latin-1. */
const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 }).map((each) => String.fromCharCode(...each));
const method = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'HEAD',
  'TRACE',
  'CONNECT',
  'PATCH',
  'PRI',
  'get',
  'QUERY',
  '',
  'G\0T',
  'M-SEARCH',
);
const target = fc.oneof(
  fc.constantFrom(
    '/',
    '/graphql',
    '/vms',
    '/vms/create',
    '/openapi.json',
    '/health/live',
    '//',
    '///graphql',
    '*',
    '/%',
    '/%00',
    '/\0',
    '/graphql?query=%ff',
    '/graphql?query={me{userId}}&variables=%7B',
    '/vms/%c3%28',
  ),
  fc.constantFrom(
    'http://localhost/vms',
    'http://evil.example/vms',
    'https://localhost:443/graphql',
    'http://[::1/vms',
    'localhost:80',
    '?',
    '#',
    '/vms#x',
    `/${'a'.repeat(17_000)}`,
  ),
  bytes,
);
const header = fc.oneof(
  fc.constantFrom(
    'host: localhost',
    'host: localhost',
    'host: ',
    'host: evil.example',
    'host: 1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f.localhost',
    'host: [::1',
    'Host : x',
  ),
  fc.constantFrom(
    'authorization: Bearer $TOKEN',
    'authorization: Bearer $TOKEN',
    'authorization: Bearer',
    `authorization: ${'x'.repeat(9_000)}`,
    'authorization: \xff',
  ),
  fc.constantFrom(
    'content-length: 2',
    'content-length: -1',
    'content-length: 99999999999999999999',
    'content-length: 2, 3',
    'transfer-encoding: chunked',
    'transfer-encoding: gzip, chunked',
    'transfer-encoding: x',
  ),
  fc.constantFrom(
    'content-type: application/json',
    'content-type: \0',
    'content-encoding: gzip',
    'expect: 100-continue',
    'expect: x',
    'connection: close',
    'connection: keep-alive, upgrade',
    'te: trailers',
  ),
  fc.constantFrom(
    'upgrade: websocket',
    'upgrade: h2c',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version: 13',
    'sec-websocket-protocol: graphql-transport-ws',
    'sec-websocket-protocol: ,',
    'sec-websocket-extensions: x;;',
  ),
  fc.constantFrom(
    'x-forwarded-for: x',
    'cookie: =;=',
    'accept: text/event-stream',
    'accept: text/html',
    'last-event-id: x',
    'origin: null',
    'no colon',
    ': empty',
    ' folded',
    'x: \r',
    'range: bytes=0-',
  ),
  bytes,
);
const body = fc.oneof(
  fc.constantFrom(
    '',
    '{}',
    '2\r\n{}\r\n0\r\n\r\n',
    'ffffffffffffffff\r\n',
    '-1\r\n',
    '{"query":"{ me { userId } }"}',
    '\r\n\r\n',
    '{"query":"\xff"}',
  ),
  bytes,
);

/** A request as its bytes, mostly near enough to one to be read as one; now and then cut, or none at all. */
export const rawRequest: Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({
        method,
        target,
        version: fc.oneof(
          { weight: 8, arbitrary: fc.constant('HTTP/1.1') },
          { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'HTTP', '') },
        ),
        headers: fc.array(header, { maxLength: 6 }),
        body,
        ends: fc.oneof(
          { weight: 8, arbitrary: fc.constant('\r\n') },
          { weight: 1, arbitrary: fc.constantFrom('\n', '\r') },
        ),
      })
      .map(({ ends, ...each }) =>
        [`${each.method} ${each.target} ${each.version}`, 'host: localhost', ...each.headers, '', each.body].join(ends),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          'POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer $TOKEN\r\ncontent-length: 40\r\n\r\n{',
          'GET /vms HT',
          '\x16\x03\x01\x02\0\x01',
        ),
        bytes,
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: bytes },
);
