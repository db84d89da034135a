import { expect, it } from 'vitest';
import { soak } from '../../support/client-soak/soak.ts';

/** `npm run soak -- --minutes N` sets it. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 0);
const SEED = Number(process.env['SOAK_SEED'] ?? 20_261_130);
const LONG = {
  seconds: MINUTES * 60,
  faultEveryMs: 8_000,
  changeEveryMs: 200,
  faults: ['cut', 'kill', 'stop', 'silence'],
} as const;
const SHORT = { seconds: 12, faultEveryMs: 2_000, changeEveryMs: 25, faults: ['cut', 'kill', 'stop', 'cut'] } as const;

it(
  'an app on the client misses no change, over cuts, kills and expired tokens',
  async () => {
    const report = await soak({ ...(MINUTES > 0 ? LONG : SHORT), seed: SEED });
    if (MINUTES > 0) process.stdout.write(`soak: ${MINUTES} minutes with seed ${SEED}: ${JSON.stringify(report)}\n`);
    const { faults, connections, changes, tokens } = report;
    expect(Math.min(faults.cut, faults.kill, faults.stop)).toBeGreaterThan(0);
    expect(connections).toBeGreaterThan(2);
    expect(tokens).toBeGreaterThanOrEqual(connections);
    expect(changes).toBeGreaterThan(100);
  },
  (MINUTES * 60 + 180) * 1_000,
);
