import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = path.join(import.meta.dirname, '../..');

it('npm run build compiles a package that runs and has every file that the source reads', { timeout: 120_000 }, () => {
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: PROJECT, encoding: 'utf8' });
  expect({ status: built.status, output: built.stdout + built.stderr }).toEqual({ status: 0, output: '' });
  const others = globSync('src/**/*.*', { cwd: PROJECT }).filter((file) => !/\.(ts|js|md)$/.test(file));
  expect(others).not.toEqual([]);
  for (const file of others) {
    expect(readFileSync(path.join(PROJECT, 'dist', file))).toEqual(readFileSync(path.join(PROJECT, file)));
  }
  // Loads every module, also those that read their files at once.
  const ran = spawnSync(process.execPath, ['--eval', "import('./dist/src/server.js')"], {
    cwd: PROJECT,
    encoding: 'utf8',
  });
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
});
