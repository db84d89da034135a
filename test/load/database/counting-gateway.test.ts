import { expect, it } from 'vitest';
import { startApi, type Api } from '../../support/api/api.ts';
import { startApiProcess } from '../../support/api/api-process.ts';
import { SECRETS_KEY } from '../../support/gateway/gateway.ts';
import { metricsOf } from '../../support/gateway/metrics-of.ts';
import { eventually } from '../../support/eventually.ts';

/** The VMs that these gateways report together. */
async function sumOf(gateways: readonly Api[]): Promise<number> {
  const all = await Promise.all(gateways.map(metricsOf));
  const counts = all.flatMap((series) => [...series].filter(([name]) => name.startsWith('swiftor_vms{')));
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

it('one of several gateways counts the VMs, so that the sum is right, and another once that one is gone', async () => {
  await using first = await startApiProcess({ METRICS_PORT: '0', SECRETS_KEY });
  await using second = await startApi({ METRICS_PORT: '0', SECRETS_KEY, DATABASE_URL: first.databaseUrl });
  await first.createVm(await first.token('metrics-vms'), 'counted');
  const vms = await sumOf([first]);
  expect(vms).toBe(1);
  expect(await sumOf([first, second])).toBe(vms);
  expect(await sumOf([second])).toBe(0);
  first.child.kill('SIGKILL');
  await first.exited;
  await eventually(async () => (await sumOf([second])) === vms);
});
