import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import type { TLSSocket } from 'node:tls';
import path from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { readConfig } from '../../../src/config/read-config.ts';
import { listenServer } from '../../../src/http/server/listen-server.ts';
import { findCertificateProblem, readTlsPair, type TlsFiles } from '../../../src/http/server/tls-files.ts';
import { eventually } from '../../support/eventually.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-tls-'));
  await Promise.all([
    makePair('first', 'vms.test'),
    makePair('second', 'vms.test'),
    makePair('other', 'elsewhere.test'),
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A directory as an ACME client keeps it, with the domain and its wildcard in the certificate. */
async function makePair(name: string, domain: string): Promise<void> {
  await mkdir(path.join(folder, name));
  const { certFile, keyFile } = filesIn(name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const cert = [
    '-x509',
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=DNS:${domain},DNS:*.${domain}`,
    '-out',
    certFile,
  ];
  await promisify(execFile)('openssl', ['req', ...key, ...cert]);
}
const filesIn = (name: string): TlsFiles => ({
  certFile: path.join(folder, name, 'cert.pem'),
  keyFile: path.join(folder, name, 'key.pem'),
});

/** Points `live` at another directory as a whole, as ACME clients and Kubernetes do. */
async function pointAt(link: string, name: string): Promise<void> {
  const next = path.join(folder, `${link}.next`);
  await symlink(path.join(folder, name), next);
  await rename(next, path.join(folder, link));
}

async function listen(link: string) {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  const { certFile, keyFile } = filesIn(link);
  const config = readConfig({ PORT: '0', BASE_DOMAIN: 'vms.test', TLS_CERT: certFile, TLS_KEY: keyFile });
  const { http, close } = await listenServer(config, log, { tlsCheckMs: 50 });
  onTestFinished(close);
  return { http, port: (http.address() as AddressInfo).port, lines };
}

/** The name in the certificate that a new connection is shown, and the answer. */
async function ask(port: number): Promise<{ name: string | undefined; status: number | undefined }> {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    servername: 'a.vms.test',
    rejectUnauthorized: false,
    agent: false,
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  const name = (response.socket as TLSSocket).getPeerCertificate().subject.CN;
  return { name: Array.isArray(name) ? name[0] : name, status: response.statusCode };
}

describe('TLS of the gateway itself', () => {
  it('serves HTTP and WebSockets, and uses a replaced certificate for new connections', async () => {
    await pointAt('live', 'first');
    const { http, port, lines } = await listen('live');
    http.on('request', (_req, res) => res.end('ok'));
    new WebSocketServer({ server: http }).on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
    const ws = new WebSocket(`wss://127.0.0.1:${port}/`, { rejectUnauthorized: false });
    onTestFinished(() => ws.terminate());
    await once(ws, 'open');
    expect(await ask(port)).toEqual({ name: 'first', status: 200 });

    await pointAt('live', 'second');
    await eventually(async () => (await ask(port)).name === 'second');
    // The connection that was open lives on.
    ws.send('still here');
    const [data] = (await once(ws, 'message')) as [Buffer];
    expect(data.toString()).toBe('still here');
    expect(lines.join('')).toContain('have changed');

    // Written in place, the key later than the certificate.
    const [{ certFile, keyFile }, other] = [filesIn('second'), filesIn('other')];
    await writeFile(certFile, await readFile(other.certFile));
    await eventually(() => lines.join('').includes('the key does not belong to the certificate'));
    expect((await ask(port)).name).toBe('second');
    await writeFile(keyFile, await readFile(other.keyFile));
    await eventually(async () => (await ask(port)).name === 'other');
    expect(lines.join('')).toContain(
      'The certificate does not cover vms.test and *.vms.test. Browsers will refuse it.',
    );
  }, 30_000);
});

describe('a pair of TLS files', () => {
  it.each([
    ['is missing', 'nothing', 'TLS_CERT "', 'cannot be read: ENOENT.'],
    ['has the key of another', 'mixed', 'TLS_CERT "', 'the key does not belong to the certificate.'],
    ['is none', 'garbage', 'TLS_CERT "', 'cannot be used: '],
  ])('that %s is refused with a one-line error', async (_what, name, ...said) => {
    await mkdir(path.join(folder, name), { recursive: true });
    const { certFile, keyFile } = filesIn(name);
    if (name === 'mixed') {
      await makePair('spare', 'spare.test');
      await writeFile(certFile, await readFile(filesIn('first').certFile));
      await writeFile(keyFile, await readFile(filesIn('spare').keyFile));
    }
    if (name === 'garbage') await Promise.all([certFile, keyFile].map((file) => writeFile(file, 'not a certificate')));
    const error = await readTlsPair({ certFile, keyFile }).catch((reason: unknown) => reason);
    for (const part of said) expect(String(error)).toContain(part);
    expect(String(error)).not.toContain('\n');
  });

  it('is checked for problems that make browsers refuse it', async () => {
    const { cert } = await readTlsPair(filesIn('first'));
    expect(findCertificateProblem({ cert }, 'vms.test')).toBeUndefined();
    expect(findCertificateProblem({ cert }, 'sub.vms.test')).toBe('The certificate does not cover *.sub.vms.test.');
    expect(findCertificateProblem({ cert }, 'vms.test', new Date(Date.now() + 2 * 86_400_000))).toMatch(
      /^The certificate expired on /,
    );
    expect(findCertificateProblem({ cert }, 'vms.test', new Date(0))).toMatch(/^The certificate is not valid before /);
  });
});
