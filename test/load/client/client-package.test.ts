import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packClient } from '../../../tools/client/pack-client.ts';

/** Of everything that an app gets with the package, minified. */
const MAX_GZIP_BYTES = 15_000;
const ROOT = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);

let app: string;
beforeAll(async () => {
  app = await mkdtemp(path.join(tmpdir(), 'swiftor-app-'));
  const archive = packClient(app);
  await writeFile(path.join(app, 'package.json'), JSON.stringify({ name: 'app', type: 'module', private: true }));
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', archive], { cwd: app });
}, 120_000);
afterAll(() => rm(app, { recursive: true, force: true }));

describe('the package @swiftor/client, installed in an empty folder', () => {
  it('runs in Node', async () => {
    const script = `
      import { createSwiftorClient } from '@swiftor/client';
      import { graphql } from '@swiftor/client/graphql';
      const { watchVms, request } = createSwiftorClient({ url: 'http://127.0.0.1:1', token: () => null });
      console.log(await watchVms({ signal: AbortSignal.timeout(300) }).next());
      await request(graphql('{ me { userId } }'), {}).catch(({ code }) => console.log(code));
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: app });
    expect(stdout).toBe('{ value: undefined, done: true }\nUNAUTHENTICATED\n');
  });

  it('has types that need nothing else, for a strict compiler that checks them too', async () => {
    await writeFile(
      path.join(app, 'app.ts'),
      `import { createSwiftorClient, type Vm } from '@swiftor/client';
      const client = createSwiftorClient({ url: '', token: () => '' });
      for await (const { vms } of client.watchVms()) {
        const first: Vm | undefined = [...vms.values()][0];
        const percent: number | undefined = first?.progress?.percent;
        void percent;
      }
      // @ts-expect-error There is no such status.
      await client.waitFor('', 'RUNING', AbortSignal.timeout(1));
      `,
    );
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--types', ''];
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [compiler, ...options, 'app.ts'], { cwd: app }).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  });

  it(`is bundled for browsers, in less than ${MAX_GZIP_BYTES} bytes`, async () => {
    await writeFile(path.join(app, 'browser.js'), "export * from '@swiftor/client';");
    const built = (await build({
      root: app,
      configFile: false,
      logLevel: 'silent',
      build: { write: false, lib: { entry: 'browser.js', formats: ['es'] }, minify: true },
    })) as Rolldown.RolldownOutput[];
    const code = built.flatMap(({ output }) => output.map((each) => ('code' in each ? each.code : ''))).join('');
    expect(code).not.toMatch(/from ?["'](node:|graphql)/);
    const bytes = gzipSync(code).length;
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThan(MAX_GZIP_BYTES);
  });

  it('brings the licence and no sources', async () => {
    const folder = path.join(app, 'node_modules/@swiftor/client');
    expect((await readdir(folder)).toSorted()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
    expect(await readFile(path.join(folder, 'LICENSE'))).toEqual(await readFile(path.join(ROOT, 'LICENSE')));
  });
});
