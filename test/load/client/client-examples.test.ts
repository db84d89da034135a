import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startApiProcess, type ApiProcess } from '../../support/api/api-process.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { removeVmRow } from '../../support/database/remove-vm-row.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const FOLDER = path.join(ROOT, 'examples/clients');
const run = promisify(execFile);

let gateway: ApiProcess;
beforeAll(async () => {
  await installPackages();
  gateway = await startApiProcess();
}, 180_000);
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** The examples have packages of their own, which nothing else needs. */
async function installPackages(): Promise<void> {
  const stamp = path.join(FOLDER, 'node_modules/.package-lock.json');
  const versionsOf = (file: string): string => {
    const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { version?: string }> };
    return JSON.stringify(
      Object.entries(packages).flatMap(([name, { version }]) => (name === '' ? [] : [name, version])),
    );
  };
  if (existsSync(stamp) && versionsOf(stamp) === versionsOf(path.join(FOLDER, 'package-lock.json'))) return;
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: FOLDER });
}

describe('the examples of stock clients', () => {
  it('fit the types of their libraries', async () => {
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [compiler, '-p', FOLDER]).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  });

  it.each(['apollo', 'urql', 'relay', 'event-source'])(
    '%s.ts shows the VMs as they are, and goes on after a cut',
    async (name) => {
      const user = `user-of-${name}`;
      const token = await gateway.token(user);
      await using proxy = await openDatabaseProxy(gateway.url);
      const first = await gateway.createVm(token, 'one');
      const child = spawn(process.execPath, [path.join(FOLDER, `${name}.ts`)], {
        env: { ...process.env, TOKEN: token, GATEWAY_URL: proxy.url.replace(/\/$/, '') },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const exited = once(child, 'exit');
      onTestFinished(async () => {
        child.kill('SIGKILL');
        await exited;
      });
      let shown = '';
      let complaints = '';
      createInterface(child.stdout).on('line', (line) => (shown = line));
      child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
      const shows = (line: string): Promise<unknown> =>
        eventually(
          () => {
            if (shown !== line) throw new Error(`It shows "${shown}" and says "${complaints}".`);
            return true;
          },
          { deadline: 20_000 },
        );

      await shows('one STOPPED');
      const second = await gateway.createVm(token, 'two');
      await shows('one STOPPED, two STOPPED');
      proxy.set('cut');
      const rename = 'mutation ($input: UpdateVmInput!) { updateVm(input: $input) { id } }';
      await gateway.post(token, rename, { input: { id: second, vmlabel: 'renamed' } });
      await removeVmRow(gateway.databaseUrl, first);
      proxy.set('pass');
      await shows('renamed STOPPED');
      await gateway.post(token, rename, { input: { id: second, vmlabel: 'renamed again' } });
      await shows('renamed again STOPPED');
      await removeVmRow(gateway.databaseUrl, second);
      await shows('none');
      expect(complaints).toBe('');
    },
    90_000,
  );
});
