import { createServer, type IncomingMessage } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createHeadReader } from '../src/ingress/direct/head-reader.ts';
import { isWebSocketUpgrade } from '../src/ingress/request-target.ts';

const bytes = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

/** What Node's server makes of these bytes: all the requests in them, or why there are none. */
async function readByNode(sent: Buffer): Promise<readonly object[]> {
  const seen: object[] = [];
  const server = createServer({ shouldUpgradeCallback: isWebSocketUpgrade });
  const tell = ({ method, url, rawHeaders, headers, httpVersion }: IncomingMessage, more: object) =>
    seen.push({ method, url, rawHeaders, headers, httpVersion, ...more });
  server.on('request', (req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    req.on('end', () => {
      tell(req, { body, isKept: res.shouldKeepAlive });
      res.end();
    });
  });
  server.on('upgrade', (req) => tell(req, { upgraded: true }));
  server.on('clientError', (error) => seen.push({ error: error.message }));
  const [ours, theirs] = duplexPair();
  // A server takes any stream that comes with this event (Node's documentation of http.Server, event 'connection').
  server.emit('connection', theirs);
  ours.resume();
  ours.write(sent);
  for (let turns = 0; turns < 20 && (seen.length === 0 || turns < 5); turns += 1) await turn();
  ours.destroy();
  theirs.destroy();
  return seen;
}

const READ: readonly [what: string, text: string][] = [
  ['a path', 'GET / HTTP/1.1\nHost: a\n\n'],
  ['a query', 'GET /a//b%20c?d=/e&f=%00#g HTTP/1.1\nHost: a.b:80\n\n'],
  ['a HEAD', 'HEAD /x HTTP/1.1\nhOsT:a\n\n'],
  ['blanks around a value', 'GET / HTTP/1.1\nHost: \t a \t \nX:  b c\t\n\n'],
  ['latin1 in a value', 'GET / HTTP/1.1\nHost: a\nX: caf\xe9\x80\n\n'],
  ['an empty value', 'GET / HTTP/1.1\nHost: a\nX:\n\n'],
  ['a connection that is kept', 'GET / HTTP/1.1\nHost: a\nConnection: Keep-Alive\n\n'],
  [
    'all that a browser sends',
    'GET /s.css HTTP/1.1\nHost: a\nUser-Agent: M (X11; x)\nAccept: */*\nCookie: a=b; c="d"\nReferer: http://a/?x=1\n\n',
  ],
];

/** Valid or not: they are for Node. */
const LEFT: readonly [what: string, text: string][] = [
  ['another method', 'POST / HTTP/1.1\nHost: a\n\n'],
  ['a method in lower case', 'get / HTTP/1.1\nHost: a\n\n'],
  ['another version', 'GET / HTTP/1.0\nHost: a\n\n'],
  ['no version', 'GET /\nHost: a\n\n'],
  ['the absolute form', 'GET http://a/ HTTP/1.1\nHost: a\n\n'],
  ['an asterisk', 'GET * HTTP/1.1\nHost: a\n\n'],
  ['two blanks', 'GET  / HTTP/1.1\nHost: a\n\n'],
  ['a blank at the end of the line', 'GET / HTTP/1.1 \nHost: a\n\n'],
  ['a blank in the path', 'GET /a b HTTP/1.1\nHost: a\n\n'],
  ['bytes past ASCII in the path', 'GET /\xe9 HTTP/1.1\nHost: a\n\n'],
  ['an empty line before it', '\nGET / HTTP/1.1\nHost: a\n\n'],
  ['no host', 'GET / HTTP/1.1\nX: a\n\n'],
  ['no header', 'GET / HTTP/1.1\n\n'],
  ['two hosts', 'GET / HTTP/1.1\nHost: a\nHost: a\n\n'],
  ['a header twice', 'GET / HTTP/1.1\nHost: a\nCookie: a=1\ncookie: b=2\n\n'],
  ['a length', 'GET / HTTP/1.1\nHost: a\nContent-Length: 0\n\n'],
  ['chunks', 'GET / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n'],
  ['a wish to close', 'GET / HTTP/1.1\nHost: a\nConnection: close\n\n'],
  ['more in Connection', 'GET / HTTP/1.1\nHost: a\nConnection: keep-alive, X\nX: 1\n\n'],
  ['an upgrade', 'GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n'],
  ['an upgrade without Connection', 'GET / HTTP/1.1\nHost: a\nUpgrade: h2c\n\n'],
  ['an expectation', 'GET / HTTP/1.1\nHost: a\nExpect: 100-continue\n\n'],
  ['what it would take in trailers', 'GET / HTTP/1.1\nHost: a\nTE: trailers\n\n'],
  ['a folded line', 'GET / HTTP/1.1\nHost: a\nX: b\n c\n\n'],
  ['a blank before the colon', 'GET / HTTP/1.1\nHost : a\n\n'],
  ['a name of nothing', 'GET / HTTP/1.1\nHost: a\n: b\n\n'],
  ['a line without a colon', 'GET / HTTP/1.1\nHost: a\nX\n\n'],
  ['a NUL', 'GET / HTTP/1.1\nHost: a\nX: a\0b\n\n'],
  ['a DEL', 'GET / HTTP/1.1\nHost: a\nX: a\x7fb\n\n'],
  ['a name that objects have', 'GET / HTTP/1.1\nHost: a\n__proto__: x\n__proto__: y\n\n'],
  ['half a head', 'GET / HTTP/1.1\nHost: a\n'],
  ['nothing', ''],
  ['another one behind it', 'GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\nHost: a\n\n'],
  ['a byte behind it', 'GET / HTTP/1.1\nHost: a\n\nx'],
  ['more than 8 KB', `GET / HTTP/1.1\nHost: a\nX: ${'x'.repeat(8_192)}\n\n`],
  ['more than 100 headers', `GET / HTTP/1.1\nHost: a\n${Array.from({ length: 100 }, (_, at) => `X${at}: 1\n`).join('')}\n`],
];

describe('Node', () => {
  it('is seen to read every request in the bytes, its body, and what it refuses', async () => {
    expect(await readByNode(bytes('GET /1 HTTP/1.1\nHost: a\n\nGET /2 HTTP/1.1\nHost: a\n\n'))).toMatchObject([
      { url: '/1' },
      { url: '/2' },
    ]);
    expect(await readByNode(bytes('GET /1 HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'))).toMatchObject([{ url: '/1', body: 'abc' }]);
    expect(await readByNode(bytes('GET /1 HTTP/1.1\nHost: a\nConnection: close\n\n'))).toMatchObject([{ url: '/1', isKept: false }]);
    expect(await readByNode(bytes('GET /1 HTTP/1.1\nHost : a\n\n'))).toMatchObject([{ error: expect.stringContaining('Parse Error') }]);
  });
});

describe('a head', () => {
  it.each(READ)('with %s is read as by Node', async (_what, text) => {
    const head = createHeadReader()(bytes(text));
    expect(head).toBeDefined();
    expect(await readByNode(bytes(text))).toEqual([{ ...head, httpVersion: '1.1', body: '', isKept: true }]);
  });

  it.each(LEFT)('with %s is left to Node', (_what, text) => {
    expect(createHeadReader()(bytes(text))).toBeUndefined();
  });

  it.each(['\n', '\r'])('with a bare %j anywhere is left to Node', (end) => {
    const whole = bytes('GET /a HTTP/1.1\nHost: a\nX: b\n\n').toString('latin1');
    for (let at = 0; at <= whole.length; at += 1) {
      const spoilt = `${whole.slice(0, at)}${end}${whole.slice(at)}`;
      expect(createHeadReader()(Buffer.from(spoilt, 'latin1')), JSON.stringify(spoilt)).toBeUndefined();
    }
  });

  it('has the same headers object as the one before it exactly when they are the same to the letter', () => {
    const read = createHeadReader();
    const headers = (text: string) => read(bytes(text))?.rawHeaders;
    const first = headers('GET /a HTTP/1.1\nHost: a\nX: 1\n\n');
    expect(headers('HEAD /b?c HTTP/1.1\nHost: a\nX: 1\n\n')).toBe(first);
    expect(headers('POST /b HTTP/1.1\nHost: a\nX: 1\n\n')).toBeUndefined();
    expect(headers('GET /a HTTP/1.1\nHost: a\nX: 2\n\n')).toEqual(['Host', 'a', 'X', '2']);
    expect(headers('GET /a HTTP/1.1\nHost: a\nX: 1\n\n')).toEqual(first);
  });

  it('of any bytes at all is read as by Node, or left to it', { timeout: 60_000 }, async () => {
    // The upper bits of a linear congruential one, so that a failure repeats.
    let seed = 20_261_128;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    // What parsers differ in, and any byte.
    const spices = [
      ...'\r \n \t \0 : ; , / * # ? % " \\'.split(' '),
      '\r\n',
      '\r\n\r\n',
      ' \t',
      'HTTP/1.1',
      'Host: b\r\n',
      'GET ',
      '\x7f',
      '\x80',
      '\xff',
      '\x0b',
      '\x85',
    ];
    const heads = [...READ, ...LEFT.filter(([, text]) => text.length < 200)];
    let wereRead = 0;
    for (let round = 0; round < 40_000; round += 1) {
      const [, text = ''] = heads[random(heads.length)] ?? [];
      let mangled = bytes(text).toString('latin1');
      for (let times = random(3); times >= 0; times -= 1) {
        const at = random(mangled.length + 1);
        const spice = random(3) === 0 ? String.fromCharCode(random(256)) : (spices[random(spices.length)] ?? '');
        mangled = mangled.slice(0, at) + spice + mangled.slice(at + random(2));
      }
      const sent = Buffer.from(mangled, 'latin1');
      const head = createHeadReader()(sent);
      if (head === undefined) continue;
      wereRead += 1;
      expect(await readByNode(sent), JSON.stringify(mangled)).toEqual([{ ...head, httpVersion: '1.1', body: '', isKept: true }]);
    }
    expect(wereRead).toBeGreaterThan(500);
  });
});
