import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerClientErrors } from '../../../src/ingress/answer-client-errors.ts';

const HEAD = 'GET / HTTP/1.1\r\nHost: a.vms.test\r\n';

/**
 * All that a server says to these bytes and, once it answers, to the rest; the error with which the connection ended.
 */
async function answerTo(bytes: string, rest = ''): Promise<{ text: string; error: string | undefined }> {
  const server = createServer((_req, res) => void res.write('a part of an answer'));
  answerClientErrors(server, 'vms.test');
  onTestFinished(() => (server.closeAllConnections(), void server.close()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let [text, error]: [string, string | undefined] = ['', undefined];
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.once('data', () => socket.write(rest));
  socket.on('error', ({ message }) => (error = message));
  socket.write(bytes);
  await once(socket, 'close');
  return { text, error };
}

describe('a request whose cookies are too large', () => {
  it.each([20_000, 700_000])('of %i bytes gets a whole page that deletes those it can name', async (size) => {
    const cookies = Array.from({ length: Math.ceil(size / 4_000) }, (_, n) => `c${n}=${'x'.repeat(4_000)}`);
    const { text, error } = await answerTo(`${HEAD}Cookie: swiftor_ticket=mine; ${cookies.join('; ')}\r\n\r\n`);
    expect(error).toBeUndefined();
    expect(text).toMatch(/^HTTP\/1.1 431 .*<html lang="en".*<title>Too many cookies<\/title>.*<\/html>\s*$/s);
    expect(text).toContain('Set-Cookie: c0=; Path=/; Max-Age=0\r\n');
    expect(text).toContain('Set-Cookie: c0=; Path=/; Max-Age=0; Domain=vms.test\r\n');
    expect(text).not.toContain('swiftor_ticket');
  });
});

describe('a request that is no HTTP', () => {
  it('gets 400', async () => {
    expect((await answerTo('GET / HTTP/1.1\r\nHost a\r\n\r\n')).text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
  });

  it('behind one whose answer has begun ends the connection, without a word in that answer', async () => {
    const { text } = await answerTo(`${HEAD}\r\n`, 'GET / HTTP/1.1\r\nHost a\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n13\r\na part of an answer\r\n$/s);
  });
});
