import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../../src/engine/docker/connection/connect.ts';
import { asReadable } from '../../../src/engine/docker/streams/as-readable.ts';
import { openTlsEngine } from '../../support/engine/proxied/tls-engine.ts';
import { createEngineCall } from '../../../src/engine/docker/connection/engine-call.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-connections-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a call says of the engine at this endpoint: its version, or why it did not answer. */
async function versionAt(endpoint: string, certificates?: string): Promise<string> {
  const { docker, close } = connect(endpoint, { certificates });
  const call = createEngineCall(endpoint, 20_000);
  try {
    const signal = new AbortController().signal;
    // Several at once, and one after another on the same connections.
    const ask = () => call('say its version', signal, () => docker.version());
    const answers = [...(await Promise.all([ask(), ask()])), await ask()];
    return answers.map(({ Version }) => Version).at(-1) ?? '';
  } finally {
    close();
  }
}

describe('an engine behind TLS', () => {
  let port: number;
  let certificates: string;
  beforeAll(async () => {
    certificates = path.join(folder, 'certs');
    const engine = await openTlsEngine(certificates);
    port = engine.port;
    return () => engine[Symbol.asyncDispose]();
  });

  it('answers a gateway with a certificate of its authority', async () => {
    expect(await versionAt(`tls://127.0.0.1:${port}`, certificates)).toMatch(/^\d+\.\d+/);
  });

  it('takes the certificates in the folder of its host before the common ones', async () => {
    const own = path.join(folder, 'by-host');
    await mkdir(path.join(own, '127.0.0.1'), { recursive: true });
    for (const name of ['ca.pem', 'cert.pem', 'key.pem'])
      await writeFile(path.join(own, '127.0.0.1', name), await readFile(path.join(certificates, name)));
    expect(await versionAt(`tls://127.0.0.1:${port}`, own)).toMatch(/^\d+/);
  });

  it('is not believed by another name, and refuses a certificate of another authority', async () => {
    const other = path.join(folder, 'other');
    await mkdir(other);
    const names = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=other',
    ];
    await run('openssl', [
      'req',
      '-x509',
      ...names,
      '-keyout',
      path.join(other, 'key.pem'),
      '-out',
      path.join(other, 'cert.pem'),
    ]);
    await writeFile(path.join(other, 'ca.pem'), await readFile(path.join(other, 'cert.pem')));
    await expect(versionAt(`tls://127.0.0.1:${port}`, other)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    await writeFile(path.join(other, 'ca.pem'), await readFile(path.join(certificates, 'ca.pem')));
    await expect(versionAt(`tls://127.0.0.1:${port}`, other)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  it('needs certificates, and says which file is missing', () => {
    expect(() => connect('tls://host:1')).toThrow(/needs ENGINE_CERTS/);
    expect(() => connect('tls://host:1', { certificates: folder })).toThrow(
      /ENGINE_CERTS: ".*ca\.pem" cannot be read: ENOENT/,
    );
  });
});

describe('an engine behind ssh', () => {
  /** A program `ssh` that does this, before all others on the path. */
  async function useSsh(script: string): Promise<void> {
    const bin = await mkdtemp(path.join(folder, 'bin-'));
    await writeFile(path.join(bin, 'ssh'), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(bin, 'ssh'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
    onTestFinished(() => void vi.unstubAllEnvs());
  }

  it('answers over the pipes of the program ssh, which gets its destination as one argument', async () => {
    const log = path.join(folder, 'arguments');
    await useSsh(`printf '%s\\n' "$@" > '${log}'\nexec docker system dial-stdio`);
    expect(await versionAt('ssh://me@engine.example:2222')).toMatch(/^\d+\.\d+/);
    const given = (await readFile(log, 'utf8')).trim().split('\n');
    expect(given.slice(-5)).toEqual(['-p', '2222', '--', 'me@engine.example', 'docker system dial-stdio']);
    expect(given).toContain('BatchMode=yes');
  });

  it('streams events until the stream is left, and its process ends', async () => {
    const pids = path.join(folder, 'pids');
    await useSsh(`echo $$ >> '${pids}'\nexec docker system dial-stdio`);
    const { docker, close } = connect('ssh://engine');
    const stream = asReadable(await docker.getEvents());
    close();
    await new Promise((resolve) => stream.resume().once('close', resolve));
    const [pid = ''] = (await readFile(pids, 'utf8')).trim().split('\n');
    await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'), { timeout: 10_000 });
  });

  it('that refuses us is unreachable, in the words of ssh', async () => {
    await useSsh('echo "me@engine: Permission denied (publickey)." >&2; exit 255');
    await expect(versionAt('ssh://me@engine')).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('Permission denied (publickey)'),
    });
  });

  it('without the program ssh is unreachable', async () => {
    vi.stubEnv('PATH', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(versionAt('ssh://engine')).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });
});
