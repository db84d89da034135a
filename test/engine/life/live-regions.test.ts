import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { openEngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { containerOf } from '../../support/engine/containers.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';
import { createVm } from '../../support/vm/vms.ts';

const SOCKET = 'unix:///var/run/docker.sock';
let folder: string;
const lines: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
const fileOf = () => path.join(folder, 'regions');
const write = (...entries: string[]) => writeFile(fileOf(), entries.join('\n'));

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-regions-'));
  await write(`AU=${SOCKET}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const gateway = useGateway(() => ({ log, env: { REGIONS_FILE: fileOf() } }));
const token = await testToken('alice', { plan: 'unlimited' });
const { start, stop, reaches, statusOf } = createVmProbe(gateway, token);

async function regions(): Promise<Record<string, boolean>> {
  const { data } = await gateway.graphql<{ regions: { code: string; available: boolean }[] }>(
    token,
    '{ regions { code available } }',
  );
  return Object.fromEntries((data?.regions ?? []).map(({ code, available }) => [code, available]));
}

const engines = async (): Promise<string[]> => {
  const { checks } = (await (await fetch(`${gateway.url}/health/ready`)).json()) as { checks: object };
  return Object.keys(checks).filter((name) => name.startsWith('engine '));
};
const said = () => lines.filter((line) => line.includes('keeping the previous ones'));

describe('REGIONS_FILE', () => {
  beforeEach(async () => {
    await write(`AU=${SOCKET}`);
    await gateway.reload();
    lines.length = 0;
  });

  it('that gets another region starts VMs there, without a restart and without a signal', async () => {
    const before = await createVm(gateway, token);
    await start(before);
    await reaches(before, 'RUNNING');
    const container = await containerOf(before);
    await write(`AU=${SOCKET}`, `NZ=${SOCKET}`);
    await eventually(async () => (await regions())['NZ'] === true);
    expect(await engines()).toEqual(['engine AU', 'engine NZ']);
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('swiftor_engine_can_start_vms{region="NZ"}');
    const id = await createVm(gateway, token, { region: 'NZ' });
    await start(id);
    await reaches(id, 'RUNNING');
    // What runs in the other region goes on, and its engine is still watched.
    expect(await containerOf(before)).toBe(container);
    await stop(before);
    await reaches(before, 'STOPPED');

    // A region that has VMs stays.
    await write(`AU=${SOCKET}`);
    await gateway.reload();
    expect(said()).toHaveLength(1);
    expect(said()[0]).toContain('no longer has the region \\"NZ\\", which still has VMs (1). Drain it, delete them');
    expect(Object.keys(await regions())).toEqual(['AU', 'NZ']);
    await stop(id);
    await reaches(id, 'STOPPED');
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await statusOf(id)) === undefined);
    await gateway.reload();
    expect(Object.keys(await regions())).toEqual(['AU']);
    expect(await engines()).toEqual(['engine AU']);
    const refused = gateway.graphql(
      token,
      `mutation { createVm(input: { vmlabel: "x", region: "NZ", password: "secret-secret", distribution: "ubuntu",
        desktop: "xfce", cpu: 1, ram: 1 }) { id } }`,
    );
    expect((await refused).errors?.[0]?.message).toContain('must be a region; there are AU.');
  });

  it('that moves a region to another endpoint starts VMs there, and leaves the old one alone', async () => {
    await using moved = await openEngineProxy();
    const id = await createVm(gateway, token);
    await write(`AU=${moved.endpoint}`);
    await gateway.reload();
    await start(id);
    await reaches(id, 'RUNNING');
    expect(moved.calls).toContain(`POST /containers/${await containerOf(id)}/start`);
    await write(`AU=${SOCKET}`);
    await gateway.reload();
    const { length } = moved.calls;
    await stop(id);
    await reaches(id, 'STOPPED');
    expect(moved.calls.slice(length)).toEqual([]);
  });

  it.each([
    ['an entry without endpoint', 'AU', 'REGIONS_FILE has'],
    ['plain TCP beyond this machine', 'AU=tcp://10.0.0.7:2375', 'ALLOW_PLAIN_TCP=1'],
    ['no region', '# none', 'REGIONS_FILE names no region'],
    ['an endpoint that is none', 'AU=ssh://-oProxyCommand=x', 'ssh://'],
  ])('with %s changes nothing, and the log says why', async (_what, text, why) => {
    await write(text);
    await gateway.reload();
    expect(said()).toHaveLength(1);
    expect(said()[0]).toContain(why);
    expect(await regions()).toEqual({ AU: true });
  });
});
