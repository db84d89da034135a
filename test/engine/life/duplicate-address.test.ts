import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { containersOf, createVmProbe } from '../../support/vm/vm-probe.ts';

let proxy: EngineProxy;
beforeAll(async () => {
  proxy = await openEngineProxy();
});
afterAll(() => proxy[Symbol.asyncDispose]());
const gateway = useGateway(() => ({ env: { REGIONS: `AU=${proxy.endpoint}` } }));
const token = await testToken('alice', { plan: 'unlimited' });
const { start, reaches, statusOf } = createVmProbe(gateway, token);

interface Entry {
  readonly Labels: Readonly<Record<string, string>>;
  readonly NetworkSettings: { readonly Networks: Record<string, { IPAddress: string }> };
}

it('an app that answers at an address that the engine assigned twice is not RUNNING until it has its own', async () => {
  const [first, second] = [await createVm(gateway, token), await createVm(gateway, token)];
  await start(first);
  await reaches(first, 'RUNNING');
  const [holder] = await containersOf(first);
  const address = holder?.NetworkSettings.Networks['swiftor-vms']?.IPAddress ?? '';
  // What an engine lists after a crash in which it forgot the endpoint of a container that runs.
  const stop = proxy.rule({
    call: /^GET \/containers\/json/,
    act: {
      kind: 'rewrite',
      map: (body) =>
        (body as Entry[]).map((entry) => {
          if (entry.Labels['io.swiftor.vm'] !== first) return entry;
          const own = addressesOf(body as Entry[], second).find((one) => one !== '') ?? address;
          return { ...entry, NetworkSettings: { Networks: { 'swiftor-vms': { IPAddress: own } } } };
        }),
    },
  });
  await start(second);
  await eventually(async () => (await containersOf(second)).length > 0, { deadline: 20_000 });
  const before = (await containersOf(second)).map(({ Id }) => Id);
  const seen = new Set<string | undefined>();
  await eventually(
    async () => {
      seen.add(await statusOf(second));
      const now = (await containersOf(second)).map(({ Id }) => Id);
      return now.length > 0 && !now.some((id) => before.includes(id));
    },
    { deadline: 20_000 },
  );
  stop();
  expect(seen).not.toContain('RUNNING');
  await reaches(second, 'RUNNING');
  await reaches(first, 'RUNNING');
  expect((await containersOf(first)).map(({ Id }) => Id)).toEqual([holder?.Id]);
}, 60_000);

function addressesOf(entries: readonly Entry[], id: string): string[] {
  return entries
    .filter(({ Labels }) => Labels['io.swiftor.vm'] === id)
    .flatMap(({ NetworkSettings }) => Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress));
}
