import { randomUUID } from 'node:crypto';
import { glob, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { createOpenLink, openVm } from '../../support/ingress/open-vm.ts';
import { visit } from '../../support/ingress/visit.ts';
import { createVm, eventsUntil } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { containerOf } from '../../support/engine/containers.ts';
import { createVmProbe, execInVm } from '../../support/vm/vm-probe.ts';

const gateway = useGateway(() => {
  const image = 'swiftor-test/tiny:1';
  return {
    distributions: [
      { code: 'crasher', image, defaultPort: 3000, command: ['/bin/sh', '-c', 'echo about to fail; exit 3'] },
      {
        code: 'silent',
        image,
        defaultPort: 3000,
        bootSeconds: 5,
        command: ['/bin/sh', '-c', "trap 'exit 0' TERM; echo deaf; sleep 600 & wait"],
      },
      { code: 'absent', image: 'local/not-built:1', defaultPort: 3000 },
      {
        code: 'with-data',
        image,
        defaultPort: 3000,
        passwordVariables: ['PASSWORD'],
        volumes: [
          { name: 'primary', path: '/config' },
          { name: 'data', path: '/data' },
        ],
      },
    ],
  };
});
const token = await testToken('alice', { plan: 'unlimited' });

const see = async (id: string, path?: string) => (await openVm(gateway, token, id)).visit(path);
const statusesOf = (events: readonly { kind: string; status: string }[]) =>
  events.filter(({ kind }) => kind !== 'PROGRESS').map(({ status }) => status);
const { start, stop, statusOf, reaches } = createVmProbe(gateway, token);

interface Storage {
  readonly storageGb: number | null;
  readonly storageEnforcement: string | null;
  readonly storageUsedGb: number;
}
async function storageOf(id: string, of = token): Promise<Storage | Record<string, never>> {
  const { data } = await gateway.graphql<{ vm: Storage }>(
    of,
    'query ($id: ID!) { vm(id: $id) { storageGb storageEnforcement storageUsedGb } }',
    { id },
  );
  return data?.vm ?? {};
}
async function objectsOf(id: string): Promise<{ containers: number; volumes: string[] }> {
  const filters = { label: [`io.swiftor.vm=${id}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const { Volumes } = await docker.listVolumes({ filters });
  return {
    containers: containers.length,
    volumes: (Volumes ?? []).map(({ Name }) => Name.slice(Name.lastIndexOf('-') + 1)).toSorted(),
  };
}
interface Boot {
  readonly steps: readonly {
    readonly status: string;
    readonly startedAt: string;
    readonly seconds: number | null;
    readonly attempt: number;
  }[];
}
async function bootOf(id: string): Promise<Boot> {
  const query = 'query ($id: ID!) { vm(id: $id) { boot { steps { status startedAt seconds attempt } } } }';
  const { data, errors } = await gateway.graphql<{ vm: { boot: Boot } }>(token, query, { id });
  if (data === undefined) throw new Error(JSON.stringify(errors));
  return data.vm.boot;
}

async function environmentOf(id: string): Promise<Record<string, string>> {
  const { status, body } = await see(id, '/cgi-bin/env');
  if (status !== 200) throw new Error(`The app answered ${status}.`);
  return Object.fromEntries(body.split('\n').map((line) => line.split('=', 2) as [string, string]));
}

describe('a life', () => {
  it('goes from creation to deletion, each change pushed in order, and nothing is left', async () => {
    const id = await createVm(gateway, token, { storageType: 'PERSISTENT' });
    const boot = await eventsUntil(
      gateway,
      token,
      { vmId: id },
      ({ status }) => status === 'RUNNING',
      () => gateway.graphql(token, 'mutation ($id: ID!) { startVm(id: $id) { status } }', { id }),
    );
    expect(statusesOf(boot)).toEqual(['STOPPED', 'QUEUED', 'STARTING', 'BOOTING', 'RUNNING']);

    // The steps of its boot are kept.
    const { steps } = await bootOf(id);
    expect(steps.map(({ status, attempt }) => [status, attempt])).toEqual([
      ['QUEUED', 1],
      ['STARTING', 1],
      ['BOOTING', 1],
      ['RUNNING', 1],
    ]);
    const lengths = steps
      .slice(1)
      .map(({ startedAt }, index) => Date.parse(startedAt) - Date.parse(steps[index]?.startedAt ?? ''));
    expect(steps.map(({ seconds }) => seconds)).toEqual([...lengths.map((milliseconds) => milliseconds / 1_000), null]);

    // RUNNING means that who opens the address now sees the app.
    expect(await see(id)).toMatchObject({ status: 200, body: expect.stringContaining('<h1>tiny</h1>') });

    await stop(id);
    await reaches(id, 'STOPPED');
    expect(await objectsOf(id)).toEqual({ containers: 0, volumes: ['primary'] });
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    const rest = await eventsUntil(
      gateway,
      token,
      { vmId: id, after: boot.at(-1)?.seq ?? '' },
      ({ kind }) => kind === 'DELETED',
    );
    expect(statusesOf(rest)).toEqual(['STOPPING', 'STOPPED', 'DELETING', 'DELETED']);
    const seqs = [...boot, ...rest]
      .filter(({ kind }) => kind === 'CHANGED' || kind === 'DELETED')
      .map(({ seq }) => Number(seq));
    expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
    expect(await objectsOf(id)).toEqual({ containers: 0, volumes: [] });
    expect((await gateway.rest(token, 'GET', `/vms/${id}`)).status).toBe(404);
  });

  it('deletes a VM that runs, with everything it has', async () => {
    const id = await createVm(gateway, token, { distribution: 'with-data', desktop: null, storageType: 'PERSISTENT' });
    await start(id);
    await reaches(id, 'RUNNING');
    expect(await objectsOf(id)).toEqual({ containers: 1, volumes: ['data', 'primary'] });
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404);
    expect(await objectsOf(id)).toEqual({ containers: 0, volumes: [] });
  });
});

describe('storage', () => {
  it('exists from the creation on when it is persistent, and not otherwise', async () => {
    const kept = await createVm(gateway, token, { storageType: 'PERSISTENT' });
    // The first one of a gateway, which tries out what its engine's host can do.
    await eventually(async () => (await objectsOf(kept)).volumes.length === 1, { deadline: 30_000 });
    const passing = await createVm(gateway, token);
    expect(await objectsOf(passing)).toEqual({ containers: 0, volumes: [] });
  });

  it('loses the primary volume of an ephemeral VM at the stop, and keeps what the image declares as data', async () => {
    const id = await createVm(gateway, token, { distribution: 'with-data', desktop: null });
    await start(id);
    await reaches(id, 'RUNNING');
    await execInVm(id, 'touch /config/mine /data/mine');
    await stop(id);
    await reaches(id, 'STOPPED');
    expect((await objectsOf(id)).volumes).toEqual(['data']);
    await start(id);
    await reaches(id, 'RUNNING');
    await execInVm(id, 'test -e /data/mine && touch /www/data-stayed; test -e /config/mine || touch /www/config-went');
    expect((await see(id, '/data-stayed')).status).toBe(200);
    expect((await see(id, '/config-went')).status).toBe(200);
  });

  it('says that data is lost instead of starting on a blank disk', async () => {
    const id = await createVm(gateway, token, { storageType: 'PERSISTENT' });
    const { DockerRootDir } = (await docker.info()) as { DockerRootDir: string };
    await eventually(async () => (await storageOf(id)).storageEnforcement === 'HARD', { deadline: 30_000 });
    for await (const file of glob(`${DockerRootDir}/swiftor/*.${id}/primary.img`)) await rm(file);
    await start(id);
    await reaches(id, 'FAILED');
    expect(await failureOf(id)).toMatchObject({ code: 'DATA_LOST' });
    // Its deletion frees the loop device of the file, which nothing else would for a while.
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404);
  });

  it('has the size of the plan, which grows with it at a start, and says how it is held and how much is used', async () => {
    const userId = randomUUID();
    const core = await gateway.token(userId, { plan: 'core' });
    const id = await createVm(gateway, core, { storageType: 'PERSISTENT' });
    const passing = await createVm(gateway, core);
    const made = await eventually(
      async () => {
        const storage = await storageOf(id, core);
        return storage.storageEnforcement !== null && storage;
      },
      { deadline: 30_000 },
    );
    expect(made).toEqual({ storageGb: 2, storageEnforcement: 'HARD', storageUsedGb: expect.any(Number) });
    expect(await storageOf(passing, core)).toEqual({ storageGb: null, storageEnforcement: null, storageUsedGb: 0 });
    const hacker = await gateway.token(userId, { plan: 'hacker' });
    await gateway.rest(hacker, 'POST', `/vms/start/${id}`);
    expect((await storageOf(id, hacker)).storageGb).toBe(30);
    await gateway.rest(hacker, 'POST', `/vms/stop/${id}`);
    await gateway.rest(await gateway.token(userId, { plan: 'core' }), 'POST', `/vms/start/${id}`);
    expect((await storageOf(id, core)).storageGb).toBe(30);
  });
});

describe('secrets', () => {
  it('reach the app, the password also under the name that the image reads', async () => {
    const id = await createVm(gateway, token, { distribution: 'with-data', desktop: null, password: 'p w"d$' });
    await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid: id, key: 'API_KEY', value: 'k1' } });
    await start(id);
    await reaches(id, 'RUNNING');
    expect(await environmentOf(id)).toMatchObject({ API_KEY: 'k1', VM_PASSWORD: 'p w"d$', PASSWORD: 'p w"d$' });
  });

  it('are applied at once to a VM that runs, by a new container with the same volumes, also the ephemeral one', async () => {
    const id = await createVm(gateway, token);
    await start(id);
    await reaches(id, 'RUNNING');
    await execInVm(id, 'touch /config/mine');
    const before = await containerOf(id);
    await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid: id, key: 'LATE', value: 'yes' } });
    await eventually(async () => (await environmentOf(id))['LATE'] === 'yes', { deadline: 20_000 });
    expect(await containerOf(id)).not.toBe(before);
    await execInVm(id, 'test -e /config/mine && touch /www/kept');
    await eventually(async () => (await see(id, '/kept')).status === 200, { deadline: 20_000 });
    await gateway.rest(token, 'DELETE', `/vms/secrets/${id}/LATE`);
    await eventually(async () => !('LATE' in (await environmentOf(id))), { deadline: 20_000 });
  });
});

describe('restart', () => {
  it('gives a new container with the volumes kept', async () => {
    const id = await createVm(gateway, token);
    await start(id);
    await reaches(id, 'RUNNING');
    await execInVm(id, 'touch /config/mine');
    const before = await containerOf(id);
    await gateway.graphql(token, 'mutation ($id: ID!) { restartVm(id: $id) { status } }', { id });
    await eventually(async () => (await statusOf(id)) === 'RUNNING' && (await containerOf(id)) !== before, {
      deadline: 20_000,
    });
    await execInVm(id, 'test -e /config/mine && touch /www/kept');
    expect((await see(id, '/kept')).status).toBe(200);
  });
});

async function failureOf(id: string): Promise<Record<string, unknown> | null | undefined> {
  const { data } = await gateway.graphql<{ vm: { lastFailure: Record<string, unknown> | null } }>(
    token,
    'query ($id: ID!) { vm(id: $id) { lastFailure { step code message exitCode oomKilled logTail at retryAt } } }',
    { id },
  );
  return data?.vm.lastFailure;
}

describe('failure', () => {
  it('of an app that ends at once is explained, tried again, and can be stopped and deleted', async () => {
    const id = await createVm(gateway, token, { distribution: 'crasher', desktop: null });
    await start(id);
    await reaches(id, 'FAILED');
    const failure = await failureOf(id);
    expect(failure).toMatchObject({ code: 'APP_EXITED', exitCode: 3, oomKilled: false, logTail: ['about to fail'] });
    expect(Date.parse(String(failure?.['retryAt']))).toBeGreaterThan(Date.parse(String(failure?.['at'])));
    await eventually(async () =>
      (await bootOf(id)).steps.some(({ status, attempt }) => status === 'FAILED' && attempt === 2),
    );
    await eventually(
      async () => (await failureOf(id))?.['at'] !== failure?.['at'] && (await statusOf(id)) === 'FAILED',
      {
        deadline: 15_000,
      },
    );
    await stop(id);
    await reaches(id, 'STOPPED');
    expect((await objectsOf(id)).containers).toBe(0);
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404);
  });

  it('of an app that never answers is named, and never called RUNNING', async () => {
    const id = await createVm(gateway, token, { distribution: 'silent', desktop: null });
    const events = await eventsUntil(
      gateway,
      token,
      { vmId: id },
      ({ status }) => status === 'FAILED',
      () => start(id),
    );
    expect(statusesOf(events)).not.toContain('RUNNING');
    expect(await failureOf(id)).toMatchObject({ code: 'APP_SILENT', step: 'BOOTING', logTail: ['deaf'] });
  });

  it('of an image that cannot be had says which', async () => {
    const id = await createVm(gateway, token, { distribution: 'absent', desktop: null });
    await start(id);
    await reaches(id, 'FAILED');
    expect(await failureOf(id)).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('local/not-built:1'),
    });
  });
});

describe('what happens behind our back', () => {
  it.each([
    ['killed', (ref: string) => docker.getContainer(ref).kill()],
    ['removed by hand', (ref: string) => docker.getContainer(ref).remove({ force: true })],
    [
      'cut off from its network',
      (ref: string) => docker.getNetwork('swiftor-vms').disconnect({ Container: ref, Force: true }),
    ],
  ])('a container that is %s is reported within 2 s, and brought back', async (_what, harm) => {
    const id = await createVm(gateway, token);
    await start(id);
    await reaches(id, 'RUNNING');
    await harm(await containerOf(id));
    await eventually(async () => (await statusOf(id)) !== 'RUNNING', { deadline: 2_000 });
    await reaches(id, 'RUNNING');
    expect((await see(id)).status).toBe(200);
  });

  it('a container that is paused is resumed', async () => {
    const id = await createVm(gateway, token);
    await start(id);
    await reaches(id, 'RUNNING');
    const container = docker.getContainer(await containerOf(id));
    await container.pause();
    await eventually(async () => !(await container.inspect()).State.Paused && (await statusOf(id)) === 'RUNNING');
    expect((await see(id)).status).toBe(200);
  });
});

describe('a desire that changes on the way', () => {
  it('is followed, whatever the VM is doing: the last one holds', async () => {
    const id = await createVm(gateway, token);
    for (const round of [start, stop, start, stop, start, start, stop, stop])
      expect((await round(id)).status).toBe(200);
    await reaches(id, 'STOPPED');
    expect(await objectsOf(id)).toEqual({ containers: 0, volumes: [] });
    await start(id);
    await stop(id);
    await start(id);
    await reaches(id, 'RUNNING');
    expect((await objectsOf(id)).containers).toBe(1);
  });

  it('is followed when a VM is deleted while it boots', async () => {
    const id = await createVm(gateway, token, { distribution: 'silent', desktop: null });
    await start(id);
    await reaches(id, 'BOOTING');
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404, { deadline: 8_000 });
    expect(await objectsOf(id)).toEqual({ containers: 0, volumes: [] });
  });
});

describe('the ingress', () => {
  it('reaches the app by each of the shapes of host, and nothing else', async () => {
    const id = await createVm(gateway, token);
    const mapping = { vmid: id, name: 'my-app', internal_port: 3000 };
    expect((await gateway.rest(token, 'POST', '/vms/networking', { body: mapping })).status).toBe(201);
    const own = await openVm(gateway, token, id);
    const hosts = [`my-app-${id}.localhost`, `my-app.${id}.localhost:4000`];
    const visits = [() => own.visit(), ...hosts.map((host) => () => visit(gateway.port, host))];
    for (const each of visits) {
      const off = await each();
      expect([off.status, Number(off.headers['retry-after']) > 0]).toEqual([503, true]);
    }
    await start(id);
    await reaches(id, 'RUNNING');
    for (const each of visits) expect((await each()).status).toBe(200);
    const none = await visit(gateway.port, '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f.localhost');
    for (const host of [
      `${id}.localhost`,
      `other-${id}.localhost`,
      `other.${id}.localhost`,
      'example.com',
      'x.localhost',
    ]) {
      const { status, body } = await visit(gateway.port, host);
      expect([host, status, body]).toEqual([host, 404, none.body]);
    }
    await gateway.rest(token, 'DELETE', `/vms/networking/${id}/my-app`);
    await eventually(async () => (await visit(gateway.port, `my-app-${id}.localhost`)).status === 404, {
      deadline: 1_000,
    });
    await stop(id);
    await eventually(async () => (await own.visit()).status === 503, { deadline: 1_000 });
  });

  it('opens a PRIVATE mapping to who comes through a link, once', async () => {
    const id = await createVm(gateway, token);
    await start(id);
    await reaches(id, 'RUNNING');
    const host = `desk-${id}.localhost`;
    await gateway.graphql(token, 'mutation ($input: AddSubdomainInput!) { addSubdomain(input: $input) { name } }', {
      input: { vmId: id, name: 'desk', internalPort: 3000, visibility: 'PRIVATE' },
    });
    expect((await visit(gateway.port, host)).status).toBe(404);
    const link = await createOpenLink(gateway, token, id, 'desk');
    expect(link.hostname).toBe(host);
    const opened = await visit(gateway.port, host, link.pathname + link.search);
    expect(opened.status).toBe(303);
    const cookie = opened.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await visit(gateway.port, host, '/', { cookie })).status).toBe(200);
    expect((await visit(gateway.port, host, '/', { cookie: `${cookie}x` })).status).toBe(404);
    expect((await visit(gateway.port, `${id}.localhost`, '/', { cookie })).status).toBe(404);
    expect((await visit(gateway.port, host, link.pathname + link.search)).status).toBe(404);
  });

  it.each(['//', '/%', '/\\', '//[', '*'])('survives a request for %s', async (path) => {
    expect((await visit(gateway.port, '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f.localhost', path)).status).toBe(404);
    expect((await visit(gateway.port, 'localhost', path)).status).toBe(404);
  });
});
