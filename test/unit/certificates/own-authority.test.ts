import { X509Certificate } from 'node:crypto';
import { createServer, connect, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { isDue } from '../../../src/certificates/is-due.ts';
import { createAuthority, issueCertificate } from '../../../src/certificates/own-authority.ts';

const NAMES = ['vms.lan', '*.vms.lan'];
const DAY_MS = 86_400_000;

it('a certificate of an own authority is taken by who trusts that, for its names alone', async () => {
  const authority = await createAuthority('Swiftor vms.lan');
  const pair = await issueCertificate(authority, NAMES);
  const server = createServer(pair, (socket) => socket.end('hello'));
  onTestFinished(() => void server.close());
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (servername: string, ca: string) =>
    new Promise<string>((resolve) => {
      const socket: TLSSocket = connect({ port, host: '127.0.0.1', servername, ca });
      socket.on('data', (chunk) => resolve(chunk.toString()));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
  expect(await ask('vms.lan', authority.cert)).toBe('hello');
  expect(await ask('my-vm.vms.lan', authority.cert)).toBe('hello');
  expect(await ask('elsewhere.lan', authority.cert)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  const other = await createAuthority('Another');
  expect(await ask('vms.lan', other.cert)).not.toBe('hello');
  // An authority that could make authorities would be worth more to who steals it.
  expect(new X509Certificate(pair.cert).ca).toBe(false);
});

it('a certificate is due without one, for other names, and when a third of its time is left', async () => {
  const { cert } = await issueCertificate(await createAuthority('x'), NAMES);
  const after = (days: number) => new Date(Date.now() + days * DAY_MS);
  expect([isDue(undefined, NAMES), isDue('no certificate', NAMES)]).toEqual([true, true]);
  expect([isDue(cert, NAMES), isDue(cert, NAMES.toReversed())]).toEqual([false, false]);
  expect([isDue(cert, ['vms.lan']), isDue(cert, [...NAMES, 'other.lan'])]).toEqual([true, true]);
  expect([isDue(cert, NAMES, after(260)), isDue(cert, NAMES, after(270)), isDue(cert, NAMES, after(500))]).toEqual([
    false,
    true,
    true,
  ]);
});
