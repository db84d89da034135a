import { readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ContainerCreateOptions } from 'dockerode';
import { expect, it, onTestFinished } from 'vitest';
import { docker } from '../../support/engine/engines.ts';
import { tarArchive, type TarEntry } from '../../support/engine/images/tar-archive.ts';

const TESTS = fileURLToPath(new URL('../../../images/desktop/tests/', import.meta.url));
const IMAGE = 'local/webtop:debian-xfce';

// In the image itself: with the Python that it runs with, and no other is needed on this machine.
it("passes the desktop server's own tests, which are in Python", { timeout: 120_000 }, async () => {
  const files = readdirSync(TESTS)
    .filter((name) => name.endsWith('.py'))
    .map((name) => ({ name: `tests/${name}`, mode: 0o644, content: readFileSync(`${TESTS}${name}`) }));
  const container = await createContainer(
    { path: '/opt/desk', files },
    {
      Entrypoint: ['python3', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'],
      WorkingDir: '/opt/desk',
    },
  );
  const output = await container.attach({ stream: true, stdout: true, stderr: true });
  await container.start();
  const [said, { StatusCode }] = await Promise.all([text(output), container.wait() as Promise<{ StatusCode: number }>]);
  expect(said).toMatch(/Ran \d\d+ tests/);
  expect({ StatusCode, said }).toEqual({ StatusCode: 0, said: expect.stringMatching(/OK\s*$/) });
});

it('starts the desktop server although the home has Python modules of like names', { timeout: 60_000 }, async () => {
  const files = ['asyncio.py', 'aiohttp.py'].map((name) => ({ name, mode: 0o644 }));
  const container = await createContainer({ path: '/config', files }, { Env: ['PASSWORD=secret'] });
  const output = await container.attach({ stream: true, stdout: true, stderr: true });
  await container.start();
  let said = '';
  for await (const chunk of output) {
    said += String(chunk);
    if (said.includes('listening on port 3000')) return;
  }
  expect.fail(said);
});

/** With `files` below `path`; removed after the test. */
async function createContainer(
  { path, files }: { path: string; files: readonly TarEntry[] },
  options: ContainerCreateOptions,
) {
  const container = await docker.createContainer({
    Image: IMAGE,
    Labels: { 'swiftor-test': 'desktop-server' },
    HostConfig: { NetworkMode: 'none' },
    Tty: true,
    ...options,
  });
  onTestFinished(async () => container.remove({ force: true, v: true }));
  await container.putArchive(await tarArchive(files), { path });
  return container;
}
