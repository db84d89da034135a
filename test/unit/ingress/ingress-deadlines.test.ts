import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createRawServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, it } from 'vitest';
import { IngressProxy, PROXY_TIMES } from '../../../src/ingress/proxy/ingress-proxy.ts';
import { matchRequest } from '../../../src/ingress/routing/match-request.ts';
import { parseVmHost } from '../../../src/ingress/routing/vm-host.ts';
import type { Resolution } from '../../../src/ingress/routing/resolution.ts';
import { BASE, fetchText, NO_LIMIT, upstream } from '../../support/ingress/ingress.ts';

/** Times that differ from each other and from the defaults by more than a busy machine's delays. */
const TIMES = { connectMs: 300, keepAliveMs: 400, resolveMs: 500 };

describe.concurrent('the proxy', () => {
  it('has 5 s to resolve, 3 s to connect, and keeps idle sockets for less than the 5 s of common servers', ({
    expect,
  }) => {
    expect(PROXY_TIMES).toEqual({ resolveMs: 5_000, connectMs: 3_000, keepAliveMs: 4_000 });
  });

  it('answers 502 if an app does not finish its TLS handshake in time', async ({ expect, onTestFinished }) => {
    const silent = createRawServer((socket) => void socket.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port, close } = await bareGateway(upstream((silent.address() as AddressInfo).port, { scheme: 'https' }));
    onTestFinished(close);
    const at = performance.now();
    expect((await fetchText(port)).status).toBe(502);
    expect(performance.now() - at).toBeGreaterThan(TIMES.connectMs - 20);
    expect(performance.now() - at).toBeLessThan(PROXY_TIMES.connectMs);
  });

  it('answers 503 if the resolver does not answer in time', async ({ expect, onTestFinished }) => {
    const { port, close } = await bareGateway(undefined);
    onTestFinished(close);
    const at = performance.now();
    expect((await fetchText(port)).status).toBe(503);
    expect(performance.now() - at).toBeGreaterThan(TIMES.resolveMs - 20);
    expect(performance.now() - at).toBeLessThan(PROXY_TIMES.resolveMs);
  });

  it('closes an idle socket to the app before the app does', async ({ expect, onTestFinished }) => {
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
    expect(performance.now() - at).toBeGreaterThan(TIMES.keepAliveMs - 100);
    expect(performance.now() - at).toBeLessThan(PROXY_TIMES.keepAliveMs);
  });

  it('waits for a pending answer longer than an idle socket is kept', async ({ expect, onTestFinished }) => {
    const slow = createServer((req, res) => {
      if (req.url === '/quick') return void res.end();
      res.write('a');
      setTimeout(() => res.end('b'), 3 * TIMES.keepAliveMs);
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
    refusals: NO_LIMIT,
    routes: {
      isKnown: () => true,
      resolve: () => (resolution === undefined ? new Promise<never>(() => undefined) : Promise.resolve(resolution)),
    },
    log: pino({ level: 'silent' }),
    times: TIMES,
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
