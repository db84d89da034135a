/**
 * `npm test -- ARGS`: prepares the machine for the test files that ARGS name, all of them by default, and runs vitest
 * with ARGS.
 */
import { spawn, spawnSync } from 'node:child_process';
import { inProject } from './prepare/project.js';

const args = process.argv.slice(2);
const prepared = spawnSync(process.execPath, [inProject('scripts/prepare.js'), 'test', ...args], { stdio: 'inherit' });
if (prepared.status === 0) run();
else process.exitCode = prepared.status ?? 1;

function run() {
  // Each test file loads the sources in a process of its own.
  const env = { NODE_COMPILE_CACHE: inProject('.runtime/compile-cache'), ...process.env };
  const child = spawn(inProject('.runtime/node'), [inProject('node_modules/vitest/vitest.mjs'), 'run', ...args], {
    stdio: 'inherit',
    env,
  });
  // A terminal sends its signal to vitest as well; a second one would end vitest before it has cleaned up.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', (signal) => child.kill(signal));
  child.once('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
