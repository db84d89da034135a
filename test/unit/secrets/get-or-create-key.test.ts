import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { getOrCreateKey } from '../../../src/secrets/get-or-create-key.ts';

async function freshDir(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'keys-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A process that says it is ready, waits for its standard input to end, and prints the key. */
function startChild(dir: string) {
  const module = new URL('../../../src/secrets/get-or-create-key.ts', import.meta.url).href;
  const script = `
    import { getOrCreateKey } from ${JSON.stringify(module)};
    process.stderr.write('ready');
    process.stdin.resume().on('end', async () => process.stdout.write(await getOrCreateKey(${JSON.stringify(dir)}, 'key')));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, key: text(child.stdout), ready: once(child.stderr, 'data') };
}

it('a key is 32 random bytes in base64, and later calls return the same key', async () => {
  const dir = await freshDir();
  const key = await getOrCreateKey(dir, 'key');
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(await getOrCreateKey(dir, 'key')).toBe(key);
  expect(await getOrCreateKey(dir, 'another')).not.toBe(key);
  expect(await getOrCreateKey(await freshDir(), 'key')).not.toBe(key);
});

it('a key is readable by its owner only, in a directory that is created if needed and has no other files', async () => {
  const dir = path.join(await freshDir(), 'deep', 'data');
  await getOrCreateKey(dir, 'key');
  expect((await stat(path.join(dir, 'key'))).mode & 0o777).toBe(0o600);
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  expect(await readdir(dir)).toEqual(['key']);
});

it('an existing key is never replaced, even if it ends with a newline', async () => {
  const dir = await freshDir();
  const own = Buffer.alloc(32, 9).toString('base64');
  await writeFile(path.join(dir, 'key'), `${own}\n`);
  await chmod(path.join(dir, 'key'), 0o400);
  expect(await getOrCreateKey(dir, 'key')).toBe(own);
  expect(await readFile(path.join(dir, 'key'), 'utf8')).toBe(`${own}\n`);
});

it('concurrent calls all return the stored key', async () => {
  for (let round = 0; round < 20; round += 1) {
    const dir = await freshDir();
    const calls: Promise<string>[] = [];
    while (calls.length < 32) {
      calls.push(getOrCreateKey(dir, 'key'));
      await setImmediate();
    }
    const keys = await Promise.all(calls);
    expect([...new Set(keys)]).toEqual([await readFile(path.join(dir, 'key'), 'utf8')]);
    expect(await readdir(dir)).toEqual(['key']);
  }
});

it('concurrent processes all get the stored key', async () => {
  const dir = await freshDir();
  const children = Array.from({ length: 4 }, () => startChild(dir));
  await Promise.all(children.map(({ ready }) => ready));
  for (const { child } of children) child.stdin.end();
  const keys = await Promise.all(children.map(({ key }) => key));
  expect([...new Set(keys)]).toEqual([await readFile(path.join(dir, 'key'), 'utf8')]);
  expect(await readdir(dir)).toEqual(['key']);
});
