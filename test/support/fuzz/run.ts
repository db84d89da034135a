import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * `npm run fuzz -- --seed N --seconds N`: test/load/http/fuzz.test.ts with other inputs and for longer; ten minutes
 * with a seed of chance where nothing is said.
 */
const { values } = parseArgs({ options: { seed: { type: 'string' }, seconds: { type: 'string' } } });
const seed = values.seed ?? String(randomInt(2 ** 31));
const seconds = values.seconds ?? '600';
for (const [name, value] of Object.entries({ seed, seconds })) {
  if (!/^\d{1,9}\d?$/.test(value)) throw new Error(`--${name} is "${value}"; it takes a whole number.`);
}
process.stdout.write(
  `fuzz: seed ${seed}, ${seconds} s; the same again: npm run fuzz -- --seed ${seed} --seconds ${seconds}\n`,
);
const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(process.execPath, [vitest, 'run', 'test/load/http/fuzz.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_SEED: seed, FUZZ_SECONDS: seconds },
});
child.on('exit', (code) => (process.exitCode = code ?? 1));
