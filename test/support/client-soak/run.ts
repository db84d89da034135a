import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** `npm run soak -- --minutes N --seed N`: test/load/client/client-soak.test.ts for longer, 30 minutes by default. */
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = values.minutes ?? '30';
const seed = values.seed ?? String(randomInt(2 ** 31));
for (const [name, value] of Object.entries({ minutes, seed })) {
  if (!/^[1-9]\d{0,9}$/.test(value)) throw new Error(`--${name} is "${value}"; it takes a whole number above 0.`);
}
process.stdout.write(`soak: ${minutes} minutes with seed ${seed}\n`);
const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(process.execPath, [vitest, 'run', '--retry=0', 'test/load/client/client-soak.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_MINUTES: minutes, SOAK_SEED: seed },
});
child.on('exit', (code) => (process.exitCode = code ?? 1));
