import { describe, expect, it } from 'vitest';
import { InvalidResponse, type ResponseHead } from '../src/ingress/response-head.ts';
import { ResponseReader } from '../src/ingress/response-reader.ts';

interface Told {
  head: ResponseHead | undefined;
  body: string;
  end: 'kept' | 'closed' | undefined;
  error: unknown;
}

/** What a reader tells of these bytes in these pieces, and then of the connection's end, where that comes. */
function read(pieces: readonly Buffer[], { isHead = false, closes = false } = {}): Told {
  const told: Told = { head: undefined, body: '', end: undefined, error: undefined };
  const sink = {
    onHead: (head: ResponseHead) => void (told.head = head),
    onBody: (chunk: Buffer) => void (told.body += chunk.toString('latin1')),
    onEnd: (isKept: boolean) => void (told.end = isKept ? 'kept' : 'closed'),
  };
  const reader = new ResponseReader(sink);
  reader.begin({ isHead });
  try {
    for (const piece of pieces) lend(reader, piece);
    if (closes) reader.close();
  } catch (error) {
    told.error = error;
  }
  return told;
}
/** As all connections read into the same memory: what is kept of it is another's soon. */
function lend(reader: ResponseReader, piece: Buffer): void {
  const memory = Buffer.from(piece);
  try {
    reader.push(memory);
  } finally {
    memory.fill('#');
  }
}
const bytes = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

const GOOD: readonly [what: string, text: string, expected: Partial<Told>, options?: { isHead?: boolean; closes?: boolean }][] = [
  ['a length', 'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc', { body: 'abc', end: 'kept' }],
  ['a length of nothing', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', { body: '', end: 'kept' }],
  ['chunks', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\na;x="y"\n0123456789\n0\n\n', { body: 'abc0123456789', end: 'kept' }],
  ['trailers, which go', 'HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n1\na\n0\nX: 1\nY: 2\n\n', { body: 'a', end: 'kept' }],
  ['neither', 'HTTP/1.1 200 OK\n\nuntil the end', { body: 'until the end', end: 'closed' }, { closes: true }],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\nContent-Length: 1\n\na', { body: 'a', end: 'closed' }],
  ['a wish to close', 'HTTP/1.1 200 OK\nConnection: x, Close\nContent-Length: 1\n\na', { body: 'a', end: 'closed' }],
  ['no reason', 'HTTP/1.1 204 \n\n', { body: '', end: 'kept' }],
  ['not even a blank for a reason', 'HTTP/1.1 304\nContent-Length: 99\n\n', { body: '', end: 'kept' }],
  ['a HEAD', 'HTTP/1.1 200 OK\nContent-Length: 99\n\n', { body: '', end: 'kept' }, { isHead: true }],
  [
    'answers before the answer',
    'HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\na',
    { body: 'a', end: 'kept' },
  ],
];

const BAD: readonly [what: string, text: string, options?: { closes?: boolean }][] = [
  ['another protocol', 'SSH-2.0-OpenSSH\n\n'],
  ['HTTP/2', 'HTTP/2 200 OK\n\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\n\n'],
  ['a status below 100', 'HTTP/1.1 010 Low\n\n'],
  ['a control character in the reason', 'HTTP/1.1 200 a\x01b\n\n'],
  ['a length and chunks', 'HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n'],
  ['two lengths', 'HTTP/1.1 200 OK\nContent-Length: 3\nContent-Length: 3\n\nabc'],
  ['a list of lengths', 'HTTP/1.1 200 OK\nContent-Length: 3, 3\n\nabc'],
  ['a signed length', 'HTTP/1.1 200 OK\nContent-Length: +3\n\nabc'],
  ['a length in hexadecimal', 'HTTP/1.1 200 OK\nContent-Length: 0x3\n\nabc'],
  ['an empty length', 'HTTP/1.1 200 OK\nContent-Length:\n\nabc'],
  ['another coding', 'HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n0\n\n'],
  ['two codings', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n'],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n'],
  ['a folded line', 'HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 0\n\n'],
  ['a blank before the colon', 'HTTP/1.1 200 OK\nContent-Length : 0\n\n'],
  ['a line without a colon', 'HTTP/1.1 200 OK\nX\n\n'],
  ['a name of nothing', 'HTTP/1.1 200 OK\n: x\n\n'],
  ['a NUL', 'HTTP/1.1 200 OK\nX: a\0b\n\n'],
  ['a chunk without a size', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n\nabc'],
  ['a chunk with a signed size', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n-1\n'],
  ['a chunk with an endless size', `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n${'f'.repeat(14)}\n`],
  ['a chunk longer than it said', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabcd\n0\n\n'],
  ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\nUpgrade: x\n\n'],
  ['headers without an end', `HTTP/1.1 200 OK\nX: ${'x'.repeat(70_000)}`],
  ['trailers without an end', `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n${'X: y\n'.repeat(10_000)}`],
  ['an end in the headers', 'HTTP/1.1 200 OK\nContent-', { closes: true }],
  ['an end in the body', 'HTTP/1.1 200 OK\nContent-Length: 3\n\nab', { closes: true }],
  ['an end between chunks', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n', { closes: true }],
  ['an end before anything', '', { closes: true }],
];

describe('an answer', () => {
  it.each(GOOD)('with %s is read, in one piece or cut at any place', (_what, text, expected, options) => {
    const whole = bytes(text);
    const told = read([whole], options);
    expect(told).toMatchObject({ ...expected, error: undefined });
    for (let at = 1; at < whole.length; at += 1) expect(read([whole.subarray(0, at), whole.subarray(at)], options)).toEqual(told);
    expect(
      read(
        [...whole].map((byte) => Buffer.of(byte)),
        options,
      ),
    ).toEqual(told);
  });

  it('keeps its status, reason and headers as they came, without those that end here', () => {
    const lines = ['X-Camel:  caf\xe9 \t', 'Connection: keep-alive, x-mine', 'X-Mine: 1', 'x-camel:2', 'Empty:', 'Content-Length: 0'];
    const { head } = read([bytes(`HTTP/1.1 299 Quite  Fine\n${lines.join('\n')}\n\n`)]);
    const headers = ['X-Camel', 'caf\xe9', 'x-camel', '2', 'Empty', '', 'Content-Length', '0'];
    expect(head).toEqual({ status: 299, reason: 'Quite  Fine', headers, framing: 0, isKept: true });
  });

  it('is read the same after others on the same connection, with the same head or another', () => {
    const texts = [...GOOD, ...GOOD].filter(([, , expected]) => expected.end === 'kept');
    let told: Partial<Told> = {};
    const reader = new ResponseReader({
      onHead: (head) => void (told = { ...told, head }),
      onBody: (chunk) => void (told = { ...told, body: `${told.body ?? ''}${chunk.toString('latin1')}` }),
      onEnd: (isKept) => void (told = { ...told, end: isKept ? 'kept' : 'closed' }),
    });
    for (const [, text, , { isHead = false } = {}] of [...texts, ...texts.toReversed()]) {
      told = { body: '', error: undefined };
      reader.begin({ isHead });
      lend(reader, bytes(text));
      expect(told).toEqual(read([bytes(text)], { isHead }));
    }
  });

  it('to a HEAD tells nothing of how long the next one is', () => {
    const head = 'HTTP/1.1 200 OK\nContent-Length: 3\n\n';
    const seen: string[] = [];
    const reader = new ResponseReader({
      onHead: () => undefined,
      onBody: (chunk) => void seen.push(chunk.toString()),
      onEnd: () => void seen.push('end'),
    });
    for (const [isHead, text] of [
      [true, head],
      [false, `${head}abc`],
      [true, head],
      [false, `${head}def`],
    ] as const) {
      reader.begin({ isHead });
      lend(reader, bytes(text));
    }
    expect(seen).toEqual(['end', 'abc', 'end', 'end', 'def', 'end']);
  });

  it.each(BAD)('with %s is refused, in one piece or byte by byte', (_what, text, options) => {
    const whole = bytes(text);
    const inBytes = whole.length > 1_000 ? [] : [[...whole].map((byte) => Buffer.of(byte))];
    for (const pieces of [[whole], ...inBytes]) {
      const { error, end } = read(pieces, options);
      expect(error).toBeInstanceOf(InvalidResponse);
      expect(end).toBeUndefined();
    }
  });

  it.each(['HTTP/1.1 200 OK\nX: a\rb\nContent-Length: 0\n\n', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'])(
    'with bare line ends is refused',
    (text) => {
      const bare = text.includes('\r') ? bytes(text) : Buffer.from(text, 'latin1');
      expect(read([bare], { closes: true }).error).toBeInstanceOf(InvalidResponse);
    },
  );

  it('that is followed by bytes which nobody asked for ends, and the connection with it', () => {
    for (const text of [
      'HTTP/1.1 200 OK\nContent-Length: 1\n\naHTTP/1.1 200 OK',
      'HTTP/1.1 204 No\n\nx',
      'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n\nx',
    ]) {
      expect(read([bytes(text)])).toMatchObject({ end: 'closed', error: expect.any(InvalidResponse) });
    }
  });

  it('of any bytes at all is read or refused, and never told to be longer than it is', () => {
    // Linear congruential, so that a failure repeats.
    let seed = 20_260_101;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let round = 0; round < 3_000; round += 1) {
      const [, text = ''] = GOOD[random(GOOD.length)] ?? [];
      const mangled = bytes(text);
      for (let times = random(4); times >= 0; times -= 1) mangled[random(mangled.length)] = random(256);
      const cut = random(mangled.length);
      const told = read([mangled.subarray(0, cut), mangled.subarray(cut)], { closes: true });
      expect(told.error === undefined || told.error instanceof InvalidResponse).toBe(true);
      expect(told.error !== undefined || told.end !== undefined).toBe(true);
      expect(told.body.length).toBeLessThanOrEqual(mangled.length);
    }
  });
});
