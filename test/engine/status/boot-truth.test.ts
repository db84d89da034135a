import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';

const shell = (script: string) => ['/bin/sh', '-c', `trap 'exit 0' TERM; (${script}) & wait`];
const serve = 'exec /bin/busybox httpd -f -p 3000 -h /www';

let proxy: EngineProxy;
beforeAll(async () => {
  proxy = await openEngineProxy();
});
afterAll(() => proxy[Symbol.asyncDispose]());
const gateway = useGateway(() => {
  const app = (code: string, script: string, bootSeconds: number) => {
    return {
      code,
      image: 'swiftor-test/tiny:1',
      defaultPort: 3000,
      command: shell(script),
      stopGraceSeconds: 2,
      bootSeconds,
    };
  };
  return {
    env: { REGIONS: `AU=${proxy.endpoint}` },
    distributions: [
      app('slow', `sleep 3; ${serve}`, 60),
      app('deaf', 'sleep 600', 5),
      app('prompt', serve, 120),
      app('first-deaf', 'sleep 600', 120),
    ],
  };
});
const token = await testToken('alice', { plan: 'unlimited' });
beforeEach(() => proxy.muteEvents(false));

interface Seen {
  readonly status: string;
  readonly lastFailure: { readonly code: string; readonly at: string } | null;
}
async function look(id: string): Promise<Seen> {
  const { data, errors } = await gateway.graphql<{ vm: Seen }>(
    token,
    'query ($id: ID!) { vm(id: $id) { status lastFailure { code at } } }',
    {
      id,
    },
  );
  if (data == null) throw new Error(JSON.stringify(errors));
  return data.vm;
}
const { reaches } = createVmProbe(gateway, token);

async function startVm(distribution: string): Promise<string> {
  const id = await createVm(gateway, token, { distribution, desktop: null });
  onTestFinished(async () => {
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404);
  });
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  return id;
}
async function containerOf(id: string) {
  const [found] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });
  if (found === undefined) throw new Error(`The VM ${id} has no running container.`);
  return { ref: found.Id, address: found.NetworkSettings.Networks['swiftor-vms']?.IPAddress };
}

/** The engine's clock, as much apart from all others. */
function shiftClock(minutes: number): void {
  const map = (body: unknown): unknown => {
    const details = body as { State: { StartedAt: string } };
    const StartedAt = new Date(Date.parse(details.State.StartedAt) + minutes * 60_000).toISOString();
    return { ...details, State: { ...details.State, StartedAt } };
  };
  onTestFinished(proxy.rule({ call: /^GET \/containers\/[^/]+\/json/, act: { kind: 'rewrite', map } }));
}

describe('a boot on an engine whose clock is', () => {
  it.each([-10, 10])(
    '%i minutes apart has the time that it has, and no more',
    async (minutes) => {
      shiftClock(minutes);
      const [slow, deaf] = [await startVm('slow'), await startVm('deaf')];
      await reaches(slow, 'RUNNING');
      expect((await look(slow)).lastFailure).toBeNull();
      await reaches(deaf, 'FAILED');
      const { lastFailure } = await look(deaf);
      expect(lastFailure?.code).toBe('APP_SILENT');
      expect(Math.abs(Date.parse(lastFailure?.at ?? '') - Date.now())).toBeLessThan(60_000);
    },
    60_000,
  );
});

describe('a container that is waited for', () => {
  it('that an interrupted iteration has stopped for its silence is not reported as exited', async () => {
    const id = await startVm('first-deaf');
    await reaches(id, 'BOOTING');
    const told = { step: 'BOOTING', code: 'APP_SILENT', message: 'It did not answer.', oomKilled: false, logTail: [] };
    const dated = `jsonb_build_object('at', now(), 'retryAt', now()) || '${JSON.stringify(told)}'`;
    await executeSql(gateway.databaseUrl, `update vm set last_failure = ${dated} where id = '${id}'`);
    await docker.getContainer((await containerOf(id)).ref).stop({ t: 0 });
    await reaches(id, 'FAILED');
    expect((await look(id)).lastFailure?.code).toBe('APP_SILENT');
  }, 60_000);

  it('whose address changes without an event is found at the new one', async () => {
    proxy.muteEvents(true);
    // As after a crash of the engine, which has recorded an address that is nobody's.
    const call = /^GET \/containers\/([^/]+\/)?json/;
    const map = (body: unknown): unknown =>
      JSON.parse(JSON.stringify(body).replace(/"IPAddress":"172\.[\d.]+"/g, '"IPAddress":"192.0.2.1"'));
    const heal = proxy.rule({ call, act: { kind: 'rewrite', map } });
    onTestFinished(heal);
    const id = await startVm('prompt');
    await reaches(id, 'BOOTING');
    const { ref } = await containerOf(id);
    heal();
    await reaches(id, 'RUNNING', 15_000);
    expect((await containerOf(id)).ref).toBe(ref);
  }, 60_000);

  it('that shares the address of another one is replaced, and the other is left alone', async () => {
    const [other, id] = [await startVm('slow'), await startVm('first-deaf')];
    await reaches(other, 'RUNNING');
    await reaches(id, 'BOOTING');
    const [seen, before] = [await containerOf(id), await containerOf(other)];
    type Listed = { Id: string; NetworkSettings: { Networks: Record<string, { IPAddress?: string }> } };
    // The whole list only: what is asked of one machine stays as it is.
    const call = /^GET \/containers\/json(?!.*io\.swiftor\.vm(%3D|=))/;
    const map = (body: unknown): unknown => {
      const list = body as Listed[];
      if (!list.some(({ Id }) => Id === seen.ref)) return list;
      const ghost = { Networks: { 'swiftor-vms': { IPAddress: seen.address } } };
      return list.map((one) => (one.Id === before.ref ? { ...one, NetworkSettings: ghost } : one));
    };
    onTestFinished(proxy.rule({ call, act: { kind: 'rewrite', map } }));
    await eventually(async () => (await containerOf(id)).ref !== seen.ref, { deadline: 45_000 });
    expect((await containerOf(other)).ref).toBe(before.ref);
    await reaches(id, 'BOOTING');
    expect((await look(other)).status).toBe('RUNNING');
  }, 90_000);
});
