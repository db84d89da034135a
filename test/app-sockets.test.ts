import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createAppSockets } from '../src/ingress/app-sockets.ts';
import { listen } from './support/ingress.ts';

test('a connection whose answer ends while it is paused, since its client is slow, serves the next request', async () => {
  let connections = 0;
  const server = createServer((_req, res) => res.end('abc')).on('connection', () => (connections += 1));
  const sockets = createAppSockets({ host: '127.0.0.1', port: await listen(server), scheme: 'http' });
  onTestFinished(() => sockets.close());
  const ask = ({ pauses }: { pauses: boolean }) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let body = '';
    const handle = sockets.send(
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      { isHead: false, kept: true },
      {
        onHead: () => undefined,
        onBody(chunk) {
          body += chunk.toString();
          if (pauses) handle.pause();
        },
        onWait: () => undefined,
        onEnd: () => resolve(body),
        onFail: reject,
      },
    );
    return promise;
  };
  expect([await ask({ pauses: true }), await ask({ pauses: false }), connections]).toEqual(['abc', 'abc', 1]);
});
