import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { readEnvironment, SETTINGS } from '../../../src/config/environment.ts';

const DEPLOY = path.join(import.meta.dirname, '../../../deploy');
const run = promisify(execFile);

it("systemd takes the unit, and finds it as confined as it can be with the engine's socket", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-unit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const unit = await readFile(path.join(DEPLOY, 'swiftor.service'), 'utf8');
  const file = path.join(folder, 'swiftor.service');
  // The program is not installed here.
  await writeFile(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  await run('systemd-analyze', ['verify', '--recursive-errors=no', file]);
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', file]);
  expect(Number(/Overall exposure level for swiftor\.service: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(3);
});

it('the example of its settings has no name that is not one, and lacks only keys', async () => {
  const text = await readFile(path.join(DEPLOY, 'swiftor.env'), 'utf8');
  const named = [...text.matchAll(/^#?([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value] as const);
  expect(named.map(([name]) => name).filter((name) => !SETTINGS.includes(name))).toEqual([]);
  readEnvironment(Object.fromEntries(named));
});
