import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireDataDirLock } from '../../../src/lib/process/data-dir-lock.ts';
import { processIdentity } from '../../../src/lib/process/process-identity.js';

const CHILD = fileURLToPath(new URL('../../support/database/data-dir-lock-child.ts', import.meta.url));

describe('the lock of a data directory', () => {
  let dataDir: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-lock-'));
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  });

  /** A process that tries to take the lock, and what it said. */
  async function contender(): Promise<{ child: ChildProcess; said: string }> {
    const child = spawn(process.execPath, [CHILD, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [said] = await once(createInterface({ input: child.stdout }), 'line', {
      signal: AbortSignal.timeout(15_000),
    });
    return { child, said: String(said) };
  }

  it('is refused while a living process holds it, and the error has the directory and the pid', async () => {
    const { child, said } = await contender();
    expect(said).toBe('locked');
    await expect(acquireDataDirLock(dataDir)).rejects.toThrow(`${dataDir} is in use by process ${child.pid}.`);
  });

  it('is refused to its own holder', async () => {
    const lock = await acquireDataDirLock(dataDir);
    await expect(acquireDataDirLock(dataDir)).rejects.toThrow(`process ${process.pid}`);
    await lock.release();
  });

  it('can be acquired again after one or two releases', async () => {
    const first = await acquireDataDirLock(dataDir);
    await first.release();
    const second = await acquireDataDirLock(dataDir);
    await first.release();
    await expect(acquireDataDirLock(dataDir)).rejects.toThrow('in use');
    await second.release();
  });

  it('is taken over from a killed owner', async () => {
    const { child } = await contender();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await acquireDataDirLock(dataDir);
    await lock.release();
  });

  it.runIf(process.platform === 'linux')(
    'is taken over when the pid of its owner belongs to a younger process',
    async () => {
      const identity = await processIdentity(process.pid);
      await mkdir(path.join(dataDir, 'lock'));
      await symlink(`${process.pid} 1${identity}`, path.join(dataDir, 'lock', '7'));
      const lock = await acquireDataDirLock(dataDir);
      expect(await readdir(path.join(dataDir, 'lock'))).toEqual(['8']);
      await lock.release();
    },
  );

  it('goes to exactly one of many processes that find a dead owner at the same time', async () => {
    const { child } = await contender();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const outcomes = await Promise.all(Array.from({ length: 4 }, contender));
    expect(outcomes.filter(({ said }) => said === 'locked')).toHaveLength(1);
    expect(outcomes.filter(({ said }) => said.startsWith('refused'))).toHaveLength(3);
  });

  it('goes to exactly one of many attempts within one process', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => acquireDataDirLock(dataDir)));
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await won[0]?.value.release();
  });
});
