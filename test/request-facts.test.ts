import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRequestFacts } from '../src/ingress/request-facts.ts';

type Head = readonly [method: string, ...rawHeaders: string[]];

const HOST = ['Host', 'vm.test'] as const;
const HEADS: readonly Head[] = [
  ['GET', ...HOST],
  ['HEAD', ...HOST],
  ['POST', ...HOST],
  ['POST', ...HOST, 'Content-Length', '3'],
  ['GET', ...HOST, 'Content-Length', '0'],
  ['POST', ...HOST, 'Transfer-Encoding', 'chunked'],
  ['POST', ...HOST, 'Transfer-Encoding', 'gzip, chunked'],
  ['GET', 'host', 'vm.test'],
  ['GET', 'Host', 'other.test'],
  ['GET', ...HOST, ...HOST],
  ['GET', ...HOST, 'Cookie', 'swiftor_ticket=alice; app=1'],
  ['GET', ...HOST, 'Cookie', 'swiftor_ticket=bobby; app=1'],
  ['GET', ...HOST, 'Cookie', 'swiftor_ticket=alice; app=1', 'Sec-Fetch-Site', 'cross-site', 'Sec-Fetch-Mode', 'no-cors'],
  ['GET', ...HOST, 'Cookie', 'swiftor_ticket=alice; app=1', 'Sec-Fetch-Site', 'same-site', 'Sec-Fetch-Mode', 'navigate'],
  ['POST', ...HOST, 'Cookie', 'swiftor_ticket=alice; app=1', 'Sec-Fetch-Site', 'same-site', 'Sec-Fetch-Mode', 'navigate'],
  ['GET', ...HOST, 'X-Forwarded-For', '10.0.0.1'],
  ['GET', ...HOST, 'X-Forwarded-For', '10.0.0.2'],
  ['GET', ...HOST, 'X-Odd', 'a\u0100b'],
  ['GET', ...HOST, 'X-Long', 'a'.repeat(5_000)],
  ['GET', ...HOST, 'X-Long', `${'a'.repeat(4_999)}b`],
  ['GET', ...HOST, 'Connection', 'X-Mine', 'X-Mine', '1'],
  ['GET', ...HOST, 'Connection', 'keep-alive', 'X-Mine', '1'],
];

function requestOn(socket: Socket, [method, ...rawHeaders]: Head): IncomingMessage {
  const req = new IncomingMessage(socket);
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers[(rawHeaders[at] ?? '').toLowerCase()] ??= rawHeaders[at + 1] ?? '';
  // Strings of its own, as a parser would make them.
  return Object.assign(req, { method, headers, rawHeaders: rawHeaders.map((text) => Buffer.from(text, 'utf16le').toString('utf16le')) });
}

/** The peer of a socket here is its place in the order of their making. */
const PEERS = new WeakMap<Socket, string>();
const addressOf = ({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>) =>
  `${PEERS.get(socket) ?? ''} ${String(headers['x-forwarded-for'] ?? '')}`;
const connection = (peer: string): Socket => {
  const socket = new Socket();
  PEERS.set(socket, peer);
  return socket;
};

describe('what a request says', () => {
  it('is never what another on the same connection, or on another, has said', () => {
    const factsOf = createRequestFacts({ scheme: 'http', addressOf });
    const sockets = ['a', 'b', 'c'].map(connection);
    // Linear congruential, so that a failure repeats.
    let seed = 20_261_128;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let round = 0; round < 5_000; round += 1) {
      const socket = sockets[random(sockets.length)] ?? connection('none');
      // Few at a time, so that the same one comes again often.
      const head = HEADS[(Math.floor(round / 50) + random(3)) % HEADS.length] ?? ['GET'];
      const prefix = [undefined, '/manage', '/app'][random(3)];
      const told = factsOf(requestOn(socket, head));
      const alone = createRequestFacts({ scheme: 'http', addressOf })(requestOn(socket, head));
      const seen = [told, alone].map(({ flaw, hasBody, cookies, headersFor, linesFor }) => ({
        flaw,
        hasBody,
        cookies: [...cookies],
        headers: headersFor(prefix),
        upgrade: headersFor(prefix, 'websocket'),
        lines: linesFor(prefix),
      }));
      expect(seen[0]).toEqual(seen[1]);
    }
  });

  it('is read once for as long as it stays the same, and from the beginning for another method, value or connection', () => {
    const factsOf = createRequestFacts({ scheme: 'http', addressOf });
    const [socket, other] = [connection('a'), connection('b')];
    const head: Head = ['GET', ...HOST, 'Cookie', 'swiftor_ticket=alice'];
    const first = factsOf(requestOn(socket, head));
    expect(factsOf(requestOn(socket, head))).toBe(first);
    expect(factsOf(requestOn(other, head))).not.toBe(first);
    expect(factsOf(requestOn(socket, ['HEAD', ...head.slice(1)]))).not.toBe(first);
    expect(factsOf(requestOn(socket, head))).not.toBe(first);
  });

  it('is not kept where it is long', () => {
    const factsOf = createRequestFacts({ scheme: 'http', addressOf });
    const socket = connection('a');
    const head: Head = ['GET', ...HOST, 'X-Long', 'a'.repeat(5_000)];
    expect(factsOf(requestOn(socket, head))).not.toBe(factsOf(requestOn(socket, head)));
  });

  it('can be written line by line, or not at all', () => {
    const factsOf = createRequestFacts({ scheme: 'https', addressOf: () => '127.0.0.9' });
    const lines = (...head: Head) => factsOf(requestOn(connection('a'), head)).linesFor('/manage');
    const claims = ['X-Forwarded-For: 127.0.0.9', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: vm.test', 'X-Forwarded-Prefix: /manage'];
    expect(lines('GET', ...HOST, 'Cookie', 'swiftor_ticket=alice; app=1')?.split('\r\n')).toEqual([
      'Host: vm.test',
      'Cookie: app=1',
      ...claims,
      '',
    ]);
    expect(lines('POST', ...HOST)?.split('\r\n')).toEqual(['Host: vm.test', ...claims, 'Content-Length: 0', '']);
    for (const value of ['a\r\nX: b', 'a\0b', 'a\u0100b']) expect(lines('GET', ...HOST, 'X-Odd', value)).toBeUndefined();
  });
});
