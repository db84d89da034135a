import { readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { packTar } from '../../scripts/images/tar.js';
import { docker } from '../support/engines.ts';

const TESTS = fileURLToPath(new URL('../../images/desktop/tests/', import.meta.url));
const IMAGE = 'local/webtop:debian-xfce';

// In the image itself: with the Python that it runs with, and no other is needed on this machine.
it("passes the desktop gate's own tests, which are in Python", { timeout: 120_000 }, async () => {
  const container = await docker.createContainer({
    Image: IMAGE,
    Entrypoint: ['python3', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'],
    WorkingDir: '/opt/desk',
    Labels: { 'swiftor-test': 'deskgate' },
    HostConfig: { NetworkMode: 'none' },
    Tty: true,
  });
  onTestFinished(async () => container.remove({ force: true, v: true }));
  const files = readdirSync(TESTS)
    .filter((name) => name.endsWith('.py'))
    .map((name) => ({ path: `tests/${name}`, mode: 0o644, file: `${TESTS}${name}` }));
  await container.putArchive(Readable.from(packTar(files)), { path: '/opt/desk' });
  const output = await container.attach({ stream: true, stdout: true, stderr: true });
  await container.start();
  const [said, { StatusCode }] = await Promise.all([text(output), container.wait() as Promise<{ StatusCode: number }>]);
  expect(said).toMatch(/Ran \d\d+ tests/);
  expect({ StatusCode, said }).toEqual({ StatusCode: 0, said: expect.stringMatching(/OK\s*$/) });
});
