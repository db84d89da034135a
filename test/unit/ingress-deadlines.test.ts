import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createRawServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, it } from 'vitest';
import { IngressProxy } from '../../src/ingress/proxy/ingress-proxy.ts';
import { matchRequest } from '../../src/ingress/routing/match-request.ts';
import { parseVmHost } from '../../src/ingress/routing/vm-host.ts';
import type { Resolution } from '../../src/ingress/routing/resolution.ts';
import { BASE, fetchText, upstream } from '../support/ingress.ts';

describe.concurrent('time', () => {
  it('to connect is 3 s: an app that never finishes its TLS handshake becomes 502', async ({
    expect,
    onTestFinished,
  }) => {
    const silent = createRawServer((socket) => void socket.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port, close } = await bareGateway(upstream((silent.address() as AddressInfo).port, { scheme: 'https' }));
    onTestFinished(close);
    const at = performance.now();
    expect((await fetchText(port)).status).toBe(502);
    expect(performance.now() - at).toBeGreaterThan(2_900);
    expect(performance.now() - at).toBeLessThan(4_500);
  });

  it('to resolve is 5 s: a resolver that never answers becomes 503', async ({ expect, onTestFinished }) => {
    const { port, close } = await bareGateway(undefined);
    onTestFinished(close);
    const at = performance.now();
    expect((await fetchText(port)).status).toBe(503);
    expect(performance.now() - at).toBeGreaterThan(4_900);
  });

  it('to keep an idle socket to the app is 4 s', async ({ expect, onTestFinished }) => {
    const closed = Promise.withResolvers<void>();
    const patient = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      req.socket.once('close', closed.resolve);
      res.end();
    });
    patient.listen(0, '127.0.0.1');
    await once(patient, 'listening');
    onTestFinished(() => void patient.close());
    const { port, close } = await bareGateway(upstream((patient.address() as AddressInfo).port));
    onTestFinished(close);
    await fetchText(port);
    const at = performance.now();
    await closed.promise;
    expect(performance.now() - at).toBeGreaterThan(3_500);
    expect(performance.now() - at).toBeLessThan(5_500);
  });

  it('to answer is up to the app: a pending answer may take longer than an idle socket is kept', async ({
    expect,
    onTestFinished,
  }) => {
    const slow = createServer((req, res) => {
      if (req.url === '/quick') return void res.end();
      res.write('a');
      setTimeout(() => res.end('b'), 5_500);
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    onTestFinished(() => void slow.close());
    const { port, close } = await bareGateway(upstream((slow.address() as AddressInfo).port));
    onTestFinished(close);
    await fetchText(port, { path: '/quick' });
    expect((await fetchText(port, { path: '/slow' })).text).toBe('ab');
  });
}, 15_000);

/** A gateway for concurrent tests, whose clean-up is the caller's. */
async function bareGateway(resolution: Resolution | undefined) {
  const ingress = new IngressProxy({
    routes: {
      resolve: () => (resolution === undefined ? new Promise<never>(() => undefined) : Promise.resolve(resolution)),
    },
    log: pino({ level: 'silent' }),
  });
  const server = createServer((req, res) =>
    ingress.handle(
      req,
      res,
      matchRequest(req, (host) => parseVmHost(host, BASE)),
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    ingress.close();
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}
