import { expect, it } from 'vitest';
import { RateLimits } from '../../../src/auth/rate-limits.ts';
import { createLog } from '../../../src/log.ts';

it('an account makes 3,000 changes at once and then one a second, whatever its other requests', async () => {
  const rates = new RateLimits({ perAccount: 100, perAddress: 300, log: await createLog({ level: 'silent' }) });
  const [alice, bob] = [
    { userId: 'alice', expiresAt: 0 },
    { userId: 'bob', expiresAt: 0 },
  ];
  for (let done = 0; done < 3_000; done += 10) rates.checkChanges(alice, 10);
  expect(() => rates.checkChanges(alice, 1)).toThrow('Too many requests; try again in 1 s.');
  expect(() => rates.checkAccount(alice)).not.toThrow();
  expect(() => rates.checkChanges(bob, 1)).not.toThrow();
});
