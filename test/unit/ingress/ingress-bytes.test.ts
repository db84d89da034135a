import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { gateway, HOST, listen, raw, upstream } from '../../support/ingress/ingress.ts';

/** A gateway before an app that tells the head that it got, byte for byte, or answers with these headers. */
async function beforeRaw(answerHeaders = ''): Promise<number> {
  const server = createServer((socket) => {
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      const end = seen.indexOf('\r\n\r\n');
      if (end === -1) return;
      const body = Buffer.from(seen.slice(0, end), 'latin1');
      seen = '';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${answerHeaders}\r\n`, 'latin1');
      socket.write(body);
    });
  });
  const port = await listen(server);
  return (await gateway(() => Promise.resolve(upstream(port)))).port;
}

const VISIBLE = Array.from({ length: 0x7e - 0x21 + 1 }, (_, index) => String.fromCharCode(0x21 + index)).join('');
/** Without `#`, which begins a fragment, and `?`. */
const PATH_CHARACTERS = VISIBLE.replaceAll(/[#?]/g, '');
const HIGH = Array.from({ length: 0x80 }, (_, index) => String.fromCharCode(0x80 + index)).join('');
const UTF_8 = Buffer.from('Zürich 東京 🎉').toString('latin1');

describe('what a client writes reaches the app byte for byte:', () => {
  it.each([
    ['every visible character in the path', `/${PATH_CHARACTERS}`],
    ['every visible character in the query', `/?${VISIBLE.replace('#', '')}`],
    ['dots and slashes', '/a/../b/./c//d/..//'],
    ['encoded slashes, dots and percent signs', '/%2F%2e%2E/%25%zz%/%c3%28'],
    ['a query without a path', '/?'],
    ['several question marks', '/??a?b=?'],
  ])('%s', async (_what, target) => {
    const port = await beforeRaw();
    const answer = await raw(port, `GET ${target} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(answer.split('\r\n\r\n')[1]?.split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  it.each([
    ['visible characters', VISIBLE],
    ['bytes beyond ASCII', HIGH],
    ['UTF-8', UTF_8],
    ['spaces and tabs inside', 'a  b\tc'],
    ['nothing', ''],
  ])('a header of %s', async (_what, value) => {
    const port = await beforeRaw();
    const lines = `X-Mine: ${value}\r\nx-MINE: ${value}`;
    const answer = await raw(port, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n${lines}\r\nConnection: close\r\n\r\n`);
    expect(answer.split('\r\n\r\n')[1]).toContain(lines);
  });
});

it.each([`/${UTF_8.replaceAll(' ', '')}`, '/\x80'])(
  'a target that HTTP does not allow is refused, not changed: GET %s',
  async (target) => {
    const port = await beforeRaw();
    const answer = await raw(port, `GET ${target} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  },
);

describe('what an app writes reaches the client byte for byte:', () => {
  it.each([
    ['visible characters', VISIBLE],
    ['bytes beyond ASCII', HIGH],
    ['UTF-8', UTF_8],
    ['spaces and tabs inside', 'a  b\tc'],
    ['nothing', ''],
  ])('a header of %s', async (_what, value) => {
    const lines = `X-Mine: ${value}\r\nx-MINE: ${value}\r\nContent-Disposition: inline; filename="${value}"\r\n`;
    const answer = await raw(await beforeRaw(lines), `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(answer).toContain(lines);
  });
});
