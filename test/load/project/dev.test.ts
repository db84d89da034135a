import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { pidExists } from '../../../src/lib/process/process-identity.js';
import { eventually } from '../../support/eventually.ts';

const ROOT = path.join(import.meta.dirname, '../../..');

it('npm run dev restarts the gateway at a change, keeps its database, and ends both at SIGINT', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-dev-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const child = spawn(process.execPath, [path.join(ROOT, 'tools/dev.ts')], {
    env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: dataDir, REGIONS: `AU=unix://${dataDir}/no-engine.sock` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const starts = (): number => lines.filter((line) => line.includes('"listening"')).length;
  const postgresPid = async (): Promise<number> => {
    return Number((await readFile(path.join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0]);
  };

  await eventually(() => starts() === 1, { deadline: 30_000 });
  const pid = await postgresPid();
  const now = new Date();
  await utimes(path.join(ROOT, 'src/server.ts'), now, now);
  await eventually(() => starts() === 2, { deadline: 30_000 });
  expect(await postgresPid()).toBe(pid);
  expect(await readdir(dataDir)).toEqual(expect.arrayContaining(['jwt-secret', 'secrets-key']));

  child.kill('SIGINT');
  expect(await exited).toEqual([0, null]);
  expect(pidExists(pid)).toBe(false);
  expect(lines.filter((line) => line.includes('"stopped"'))).toHaveLength(2);
}, 90_000);
