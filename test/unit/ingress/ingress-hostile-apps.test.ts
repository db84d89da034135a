import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { createServer as createRawServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { app, fetchText, gateway, HOST, listen, upstream } from '../../support/ingress/ingress.ts';

/** What no client may ever take for an answer: it follows an answer that is over. */
const SECOND = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const length = (value: string, body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${value}\r\n\r\n${body}`;

/** What a client sees: status and body, or that its connection was cut. */
type Outcome = `${number} ${string}` | 'cut';
const INVALID: readonly Outcome[] = ['502 The app sent a response that HTTP does not allow.'];
/** What a reset of the connection may make of them. */
const REFUSED: readonly Outcome[] = [
  '502 The app sent a response that HTTP does not allow.',
  '502 The app does not answer.',
  '502 The app sends no final response.',
];

interface Hostility {
  readonly title: string;
  readonly answer: string;
  /** Whether the app closes afterwards; otherwise it keeps the connection for what the gateway sends next. */
  readonly closes?: boolean;
  readonly outcomes: readonly Outcome[];
}

const HOSTILITIES: readonly Hostility[] = [
  // Chunks.
  { title: 'a chunk without end', answer: `${CHUNKED}FFFFFFFFFFFFFFFF\r\nx`, closes: true, outcomes: ['cut'] },
  { title: 'a chunk beyond 64 bits', answer: `${CHUNKED}FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n`, outcomes: ['cut'] },
  { title: 'a chunk of negative size', answer: `${CHUNKED}-1\r\nx\r\n0\r\n\r\n`, outcomes: ['cut'] },
  { title: 'a chunk that is longer than it says', answer: `${CHUNKED}1\r\nxyz\r\n0\r\n\r\n`, outcomes: ['cut'] },
  { title: 'no last chunk', answer: `${CHUNKED}2\r\nok\r\n`, closes: true, outcomes: ['cut'] },
  { title: 'an answer after the last chunk', answer: `${CHUNKED}2\r\nok\r\n0\r\n\r\n${SECOND}`, outcomes: ['200 ok'] },
  {
    title: 'trailers that would be headers',
    answer: `${CHUNKED}2\r\nok\r\n0\r\nSet-Cookie: swiftor_ticket=EVIL\r\nContent-Length: 9\r\n\r\n`,
    outcomes: ['200 ok', 'cut'],
  },
  {
    title: 'an extension of a megabyte',
    answer: `${CHUNKED}2;${'x'.repeat(2 ** 20)}\r\nok\r\n0\r\n\r\n`,
    outcomes: ['200 ok', 'cut'],
  },
  {
    title: 'chunks of one byte',
    answer: `${CHUNKED}${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`,
    outcomes: [`200 ${'x'.repeat(5_000)}`],
  },
  // Lengths.
  { title: 'a length that is too long', answer: length('9', 'ok'), closes: true, outcomes: ['cut'] },
  { title: 'a length that is too short', answer: length('2', `ok${SECOND}`), outcomes: ['200 ok'] },
  { title: 'a length of nothing before a body', answer: length('0', SECOND), outcomes: ['200 '] },
  { title: 'a length that is negative', answer: length('-2', 'ok'), outcomes: INVALID },
  { title: 'a length in hexadecimal', answer: length('0x2', 'ok'), outcomes: INVALID },
  { title: 'a length beyond 64 bits', answer: length('99999999999999999999', 'ok'), outcomes: INVALID },
  { title: 'a list of lengths', answer: length('2, 2', 'ok'), outcomes: INVALID },
  { title: 'two lengths', answer: length('2\r\nContent-Length: 3', 'ok'), outcomes: INVALID },
  { title: 'a length and chunks', answer: length('4\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), outcomes: INVALID },
  { title: 'a body where there is none', answer: `HTTP/1.1 204 No Content\r\n\r\n${SECOND}`, outcomes: ['204 '] },
  { title: 'a body of what is not modified', answer: `HTTP/1.1 304 Not Modified\r\n\r\n${SECOND}`, outcomes: ['304 '] },
  {
    title: 'a coding besides chunks',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    outcomes: INVALID,
  },
  {
    title: 'a coding until the end',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok',
    closes: true,
    outcomes: INVALID,
  },
  // Floods.
  {
    title: 'a flood of headers',
    // Names and values have 64 KiB and a little: each header beyond that costs undici an error with its stack.
    answer: `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(33_000)}\r\n`,
    outcomes: INVALID,
  },
  {
    title: 'informational answers only',
    answer: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(2_000),
    outcomes: ['502 The app sends no final response.'],
  },
  { title: 'a megabyte after the end', answer: OK + 'x'.repeat(2 ** 20), outcomes: ['200 ok'] },
  // Answers that are none, or too many.
  { title: 'two answers', answer: OK + SECOND, outcomes: ['200 ok'] },
  { title: 'a hundred answers', answer: OK + SECOND.repeat(99), outcomes: ['200 ok'] },
  {
    title: 'an upgrade that nobody asked for',
    answer: `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${SECOND}`,
    outcomes: INVALID,
  },
  { title: 'another protocol', answer: 'SSH-2.0-OpenSSH_9.6\r\n', outcomes: INVALID },
  {
    title: 'a zero in a header',
    answer: `HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nok`,
    outcomes: INVALID,
  },
  {
    title: 'a header without a name',
    answer: `HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok`,
    outcomes: INVALID,
  },
  { title: 'nothing', answer: '', closes: true, outcomes: ['502 The app does not answer.'] },
];

const BODY = Buffer.alloc(300_000, 'b');

/**
 * An app that answers each request in the way that its path says, `/TIME/INDEX`: `early` as soon as it has the head,
 * `late` once it has the body, too.
 */
async function hostileApp(): Promise<number> {
  const answer = (socket: Socket, { answer: text, closes = false }: Hostility): void => {
    socket.write(text, 'latin1');
    if (closes) socket.end();
  };
  return listen(
    createRawServer((socket) => {
      let seen = 0;
      let asked: { time: string; hostility: Hostility | undefined; bytes: number } | undefined;
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.length;
        if (asked === undefined) {
          const head = chunk.toString('latin1');
          const [, time = '', index = ''] = /^\w+ \/(\w+)\/(\d+)/.exec(head) ?? [];
          const bytes = head.indexOf('\r\n\r\n') + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
          asked = { time, hostility: HOSTILITIES[Number(index)], bytes };
          if (time === 'early' && asked.hostility !== undefined) answer(socket, asked.hostility);
        }
        if (seen < asked.bytes) return;
        if (asked.time === 'late' && asked.hostility !== undefined) answer(socket, asked.hostility);
        [seen, asked] = [0, undefined];
      });
    }),
  );
}

describe.each(['GET', 'POST'] as const)('an app that answers a %s', (method) => {
  it.each(HOSTILITIES.map((hostility, index) => ({ ...hostility, index })))(
    'with $title harms no other answer',
    async ({ index, outcomes }) => {
      const [hostile, honest] = [
        await hostileApp(),
        await app((req, res) => void req.resume().on('end', () => res.end(req.url))),
      ];
      const { port } = await gateway((_vm, name) =>
        upstream(name === undefined ? hostile : honest, { ref: name ?? 'own' }),
      );
      // One connection: whatever the gateway believes to be left of an answer would reach the next one.
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      const ask = async (host: string, path: string): Promise<Outcome> => {
        const body = method === 'POST' ? { body: BODY } : {};
        const headers = { Host: host, ...(method === 'POST' && { 'Content-Length': String(BODY.length) }) };
        return fetchText(port, { agent, method, path, headers, ...body }).then(
          ({ status = 0, text }) => `${status} ${text}` as const,
          () => 'cut',
        );
      };
      for (const time of ['late', 'early']) {
        const outcome = await ask(HOST, `/${time}/${index}`);
        // An app that closes before it has read a body may reset the connection, its answer included.
        const isReset = method === 'POST' && time === 'early';
        expect([...outcomes, ...(isReset ? REFUSED : [])]).toContain(outcome);
        const nonce = `/${randomUUID()}`;
        expect(await ask(`web-${HOST}`, nonce)).toBe(`200 ${nonce}`);
      }
    },
  );
});
