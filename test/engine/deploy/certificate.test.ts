import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findDaemon } from '../../../scripts/prepare/find-program.js';
import { inProject } from '../../../scripts/prepare/project.js';
import { createAuthority, issueCertificate } from '../../../src/certificates/own-authority.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';

const CLI = path.join(import.meta.dirname, '../../../src/cli.ts');
const run = promisify(execFile);
const programs: ChildProcess[] = [];
let folder: string;
let directory: string;
let httpPort: number;
let dnsPort: number;
let dnsControl: number;

/** A program of Debian's package pebble, an authority for tests of ACME clients that looks at each proof. */
function start(name: string, args: readonly string[]): void {
  const program = spawn(findDaemon(name) ?? inProject('.runtime', name), args, { cwd: folder, stdio: 'ignore' });
  programs.push(program);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-acme-'));
  const ports = await Promise.all(Array.from({ length: 5 }, freePort));
  const [acme = 0, management = 0] = ports;
  [, , httpPort = 0, dnsPort = 0, dnsControl = 0] = ports;
  const own = await createAuthority('The tests');
  const { cert, key } = await issueCertificate(own, ['localhost']);
  const files = { 'ca.pem': own.cert, 'cert.pem': cert, 'key.pem': key };
  const pebble = {
    listenAddress: `127.0.0.1:${acme}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: 'cert.pem',
    privateKey: 'key.pem',
    httpPort,
    tlsPort: httpPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  const control = `http://127.0.0.1:${dnsControl}`;
  const hook = `#!/bin/sh
case $1 in
  present) curl -sf -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" ${control}/set-txt ;;
  cleanup) curl -sf -d "{\\"host\\":\\"$2.\\"}" ${control}/clear-txt ;;
esac
`;
  const texts = { ...files, 'pebble.json': JSON.stringify({ pebble }), hook };
  for (const [name, text] of Object.entries(texts)) await writeFile(path.join(folder, name), text);
  await chmod(path.join(folder, 'hook'), 0o755);
  const dns = ['-dns01', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${dnsControl}`, '-defaultIPv6', ''];
  start('pebble-challtestsrv', [...dns, '-http01', '', '-https01', '', '-tlsalpn01', '']);
  start('pebble', ['-config', 'pebble.json', '-dnsserver', `127.0.0.1:${dnsPort}`]);
  directory = `https://localhost:${acme}/dir`;
  const isUp = () =>
    run('curl', ['-sf', '--cacert', path.join(folder, 'ca.pem'), directory]).then(
      () => true,
      () => false,
    );
  await eventually(isUp, { deadline: 20_000 });
}, 60_000);
afterAll(async () => {
  for (const program of programs) program.kill();
  await rm(folder, { recursive: true, force: true });
});

/** Runs `swiftor certificate` for a folder of its own; the names in the certificate afterwards. */
async function certificate(
  name: string,
  args: readonly string[],
): Promise<{ names: string; said: string; file: string }> {
  const [cert, key] = [path.join(folder, name, 'cert.pem'), path.join(folder, name, 'key.pem')];
  const env = { PATH: process.env['PATH'], BASE_DOMAIN: 'vms.test', NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem') };
  const given = ['certificate', '--cert', cert, '--key', key, ...args];
  const { stdout, stderr } = await run(process.execPath, [CLI, ...given], { env, timeout: 100_000 });
  expect((await stat(key)).mode & 0o777).toBe(0o600);
  return { names: new X509Certificate(await readFile(cert)).subjectAltName ?? '', said: stdout + stderr, file: cert };
}

it(
  'a certificate for one name is ordered by http-01, and not again while it has time left',
  { timeout: 120_000 },
  async () => {
    const order = ['--directory', directory, '--agree-terms', '--http-port', String(httpPort)];
    const first = await certificate('http', order);
    expect(first.names).toBe('DNS:vms.test');
    expect(first.said).toContain('has a new certificate for vms.test');
    const before = await readFile(first.file, 'utf8');
    expect((await certificate('http', order)).said).toContain('has time left');
    expect(await readFile(first.file, 'utf8')).toBe(before);
  },
);

it('a certificate for all names is ordered by dns-01 with a hook', { timeout: 120_000 }, async () => {
  const args = [
    '--directory',
    directory,
    '--agree-terms',
    '--email',
    'me@vms.test',
    '--dns-hook',
    path.join(folder, 'hook'),
  ];
  expect((await certificate('dns', args)).names.split(', ').toSorted()).toEqual(['DNS:*.vms.test', 'DNS:vms.test']);
});

it('a hook that fails leaves no certificate, and is named', { timeout: 120_000 }, async () => {
  const args = ['--directory', directory, '--agree-terms', '--dns-hook', '/bin/false'];
  await expect(certificate('failed', args)).rejects.toMatchObject({
    stderr: expect.stringContaining('gave no certificate for vms.test'),
  });
});

it('an authority for a LAN is made with one command, and issues again what is due', { timeout: 60_000 }, async () => {
  const authority = path.join(folder, 'lan');
  const { names } = await certificate('own', ['--own-authority', authority]);
  expect(names).toBe('DNS:vms.test, DNS:*.vms.test');
  const ca = await readFile(path.join(authority, 'ca.pem'), 'utf8');
  await certificate('own', ['--own-authority', authority, '--domain', 'other.test']);
  expect(await readFile(path.join(authority, 'ca.pem'), 'utf8')).toBe(ca);
});
