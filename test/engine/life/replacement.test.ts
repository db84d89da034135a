import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../support/database/database.ts';
import { docker, removeInstallation } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway/gateway-process.ts';
import { openVm } from '../../support/ingress/open-vm.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { createVm, eventsUntil, type SeenEvent } from '../../support/vm/vms.ts';
import { JWT_SECRET, testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { containersOf, execInVm } from '../../support/vm/vm-probe.ts';

/** An app that a secret can spoil: MODE says how it comes up, LINGER how many seconds its end takes. */
const FLAKY_SCRIPT = `
  trap 'sleep $LINGER; exit 0' TERM
  case "$MODE" in
    exit) echo failing; exit 3;;
    deaf) echo deaf; sleep 600 & wait;;
    slow) sleep 6;;
  esac
  httpd -f -p 3000 -h /www & wait`;
const flakyApp = {
  code: 'flaky-app',
  image: 'swiftor-test/tiny:1',
  defaultPort: 3000,
  bootSeconds: 15,
  stopGraceSeconds: 8,
  env: { LINGER: '0' },
  command: ['/bin/sh', '-c', FLAKY_SCRIPT],
};

const token = await testToken('alice', { plan: 'unlimited' });

interface State {
  readonly status: string;
  readonly enabled: boolean;
  readonly changeUndone: boolean;
  readonly lastFailure: Record<string, unknown> | null;
}
const STATE =
  'query ($id: ID!) { vm(id: $id) { status enabled changeUndone lastFailure { step code message exitCode logTail retryAt } } }';

const toEnvironment = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]));

describe.concurrent('a secret of a VM that runs', { timeout: 60_000 }, () => {
  const gateway = useGateway({ distributions: [{ ...flakyApp, bootSeconds: 5 }] });

  const stateOf = async (id: string): Promise<State> => {
    const { data } = await gateway.graphql<{ vm: State }>(token, STATE, { id });
    if (data == null) throw new Error('no answer');
    return data.vm;
  };
  const runs = (id: string) => eventually(async () => (await stateOf(id)).status === 'RUNNING', { deadline: 25_000 });
  /** As the app says it to who opens its address. */
  const environment = async (id: string) => {
    const { status, body } = await (await openVm(gateway, token, id)).visit('/cgi-bin/env');
    if (status !== 200) throw new Error(`The app answered ${status}.`);
    return toEnvironment(body.split('\n'));
  };
  const runningVm = async (): Promise<string> => {
    const id = await createVm(gateway, token, { distribution: 'flaky-app', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    await runs(id);
    return id;
  };
  const setSecret = async (vmid: string, key: string, value: string) => {
    const answer = await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid, key, value } });
    expect(await answer.json()).toEqual({ message: 'Secret added successfully', vmid, key });
  };
  const deleteSecret = async (vmid: string, key: string) => {
    const answer = await gateway.rest(token, 'DELETE', `/vms/secrets/${vmid}/${key}`);
    expect(await answer.json()).toEqual({ message: 'Secret removed successfully', vmid, key });
  };
  /** What a subscriber sees of `change`, up to its VM's next RUNNING. */
  const during = async (id: string, change: () => Promise<unknown>): Promise<SeenEvent[]> => {
    let away = false;
    const events = await eventsUntil(
      gateway,
      token,
      { vmId: id },
      ({ kind, status }) => {
        away ||= kind === 'CHANGED' && status !== 'RUNNING';
        return away && status === 'RUNNING';
      },
      change,
    );
    return events.filter(({ kind }) => kind === 'CHANGED');
  };
  const told = (events: readonly SeenEvent[]) => events.map(({ status, reason }) => `${status} ${reason}`);

  it('is there at once, and gone at once, in a new container with the volumes kept, also the ephemeral one', async () => {
    const id = await runningVm();
    await execInVm(id, 'echo mine > /config/mine');
    const [before] = await containersOf(id);
    const enabled: boolean[] = [];

    const added = await during(id, () => setSecret(id, 'API_KEY', 'k1'));
    // RUNNING means that who asks now is answered, by the new one, as soon as the ingress has heard of it too.
    await eventually(async () => (await environment(id))['API_KEY'] === 'k1', { deadline: 5_000 });
    enabled.push((await stateOf(id)).enabled);
    expect(told(added)).toEqual(['RUNNING UPDATE', 'QUEUED UPDATE', 'STARTING BOOT', 'BOOTING BOOT', 'RUNNING BOOT']);
    const [after, ...more] = await eventually(async () => {
      const all = await containersOf(id);
      return all.length === 1 && all;
    });
    expect(more).toEqual([]);
    expect(after?.Id).not.toBe(before?.Id);

    const removed = await during(id, () => deleteSecret(id, 'API_KEY'));
    await eventually(async () => !('API_KEY' in (await environment(id))), { deadline: 5_000 });
    enabled.push((await stateOf(id)).enabled);
    expect(told(removed)).toEqual(told(added));
    await execInVm(id, 'test "$(cat /config/mine)" = mine');
    expect(enabled).toEqual([true, true]);
    expect(await stateOf(id)).toMatchObject({ status: 'RUNNING', changeUndone: false, lastFailure: null });
  });

  it.each([
    ['ends at once', 'exit', { code: 'APP_EXITED', exitCode: 3, logTail: ['failing'] }],
    ['never answers', 'deaf', { code: 'APP_SILENT', exitCode: null, step: 'BOOTING', logTail: ['deaf'] }],
  ])(
    'with which the app %s is undone: the old container comes back, and the failure says so',
    async (_what, mode, failure) => {
      const id = await runningVm();
      await execInVm(id, 'echo mine > /config/mine');
      const [before] = await containersOf(id);
      const events = await during(id, () => setSecret(id, 'MODE', mode));

      await eventually(async () => !('MODE' in (await environment(id))), { deadline: 5_000 });
      expect((await containersOf(id)).map(({ Id }) => Id)).toEqual([before?.Id]);
      await execInVm(id, 'test "$(cat /config/mine)" = mine');
      // One that ends at once may do so before it is seen to boot.
      expect(told(events).filter((step) => !/^(STARTING|BOOTING)/.test(step))).toEqual([
        'RUNNING UPDATE',
        'QUEUED UPDATE',
        'QUEUED UNDO',
        'RUNNING BOOT',
      ]);
      const state = await stateOf(id);
      expect(state).toMatchObject({
        status: 'RUNNING',
        enabled: true,
        changeUndone: true,
        lastFailure: { ...failure, retryAt: null },
      });
      expect(state.lastFailure?.['message']).toContain('The change was undone');
      // Kept, for the next start.
      const { secrets } = (await (await gateway.rest(token, 'GET', '/vms/secrets')).json()) as {
        secrets: Record<string, object>;
      };
      expect(secrets[id]).toMatchObject({ MODE: mode });
    },
  );

  it('that was undone is not tried again by itself, and is with the next change, which may take it back', async () => {
    const id = await runningVm();
    await during(id, () => setSecret(id, 'MODE', 'exit'));
    const [kept] = await containersOf(id);
    const seq = async () => {
      const { data } = await gateway.graphql<{ vm: { lastEventSeq: string } }>(
        token,
        'query ($id: ID!) { vm(id: $id) { lastEventSeq } }',
        {
          id,
        },
      );
      return data?.vm.lastEventSeq;
    };
    const quiet = await seq();
    // Hints make it look again, which shows in the time of its last look.
    const lookedAt = async () => {
      const { rows } = await executeSql(
        gateway.databaseUrl,
        `select observed_at::text as at from vm where id = '${id}'`,
      );
      return (rows[0] as { at: string }).at;
    };
    for (let looks = 0; looks < 3; looks += 1) {
      const last = await lookedAt();
      await executeSql(
        gateway.databaseUrl,
        `update vm set wakes = wakes + 1, next_attempt_at = now() where id = '${id}'`,
      );
      await eventually(async () => (await lookedAt()) !== last);
    }
    expect(await seq()).toBe(quiet);
    expect((await containersOf(id)).map(({ Id }) => Id)).toEqual([kept?.Id]);

    // A change that does not mend it: tried, and undone again.
    const again = await during(id, () => setSecret(id, 'OTHER', '1'));
    expect(told(again)).toContain('QUEUED UNDO');
    expect(await stateOf(id)).toMatchObject({ changeUndone: true });
    // So is a restart.
    const restarted = await during(id, () =>
      gateway.graphql(token, 'mutation ($id: ID!) { restartVm(id: $id) { status } }', { id }),
    );
    expect(told(restarted)).toContain('QUEUED UNDO');
    expect((await containersOf(id)).map(({ Id }) => Id)).toEqual([kept?.Id]);

    await during(id, () => deleteSecret(id, 'MODE'));
    await eventually(async () => (await environment(id))['OTHER'] === '1', { deadline: 5_000 });
    expect(await stateOf(id)).toMatchObject({ changeUndone: false, lastFailure: null });
  });

  it('that is taken back before anything else changed leaves the VM as it runs, and nothing to complain of', async () => {
    const id = await runningVm();
    await during(id, () => setSecret(id, 'MODE', 'exit'));
    const [kept] = await containersOf(id);
    await deleteSecret(id, 'MODE');
    expect(await stateOf(id)).toMatchObject({ status: 'RUNNING', changeUndone: false, lastFailure: null });
    await eventually(async () => {
      const { rows } = await executeSql(
        gateway.databaseUrl,
        `select generation = observed_generation as seen from vm where id = '${id}'`,
      );
      return (rows[0] as { seen: boolean }).seen;
    });
    expect((await containersOf(id)).map(({ Id, State: state }) => [Id, state])).toEqual([[kept?.Id, 'running']]);
  });

  it('that was undone is tried at the next start, where there is nothing to go back to', async () => {
    const id = await runningVm();
    await during(id, () => setSecret(id, 'MODE', 'exit'));
    await gateway.rest(token, 'POST', `/vms/stop/${id}`);
    await eventually(async () => (await stateOf(id)).status === 'STOPPED');
    expect(await containersOf(id)).toEqual([]);
    expect(await stateOf(id)).toMatchObject({ changeUndone: false });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    await eventually(async () => (await stateOf(id)).status === 'FAILED');
    expect((await stateOf(id)).lastFailure).toMatchObject({ code: 'APP_EXITED', retryAt: expect.any(String) });
    await gateway.rest(token, 'POST', `/vms/stop/${id}`);
  });

  it('the old container, should it end later, is what is started again', async () => {
    const id = await runningVm();
    await during(id, () => setSecret(id, 'MODE', 'exit'));
    const [kept] = await containersOf(id);
    await docker.getContainer(kept?.Id ?? '').kill();
    await eventually(async () => (await stateOf(id)).status === 'FAILED');
    await runs(id);
    expect((await containersOf(id)).map(({ Id }) => Id)).toEqual([kept?.Id]);
    expect(await stateOf(id)).toMatchObject({ changeUndone: true });
  });
});

describe('a gateway that is killed in the middle of a replacement', () => {
  it('leaves what the next one brings to its end, or back', async () => {
    await using undo = new AsyncDisposableStack();
    await testImage();
    const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-replacement-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const database = undo.use(await createTestDatabase());
    undo.defer(async () => {
      const { rows } = await executeSql(database.url, 'select id from installation');
      await removeInstallation((rows[0] as { id: string }).id);
    });
    await writeFile(path.join(folder, 'catalog.json'), JSON.stringify({ distributions: [flakyApp] }));
    const settings = {
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      CATALOG_FILE: path.join(folder, 'catalog.json'),
      JWT_SECRET,
      SECRETS_KEY: Buffer.alloc(32, 9).toString('base64'),
    };
    // Its catalog has the built-in plans only.
    const token = await testToken('alice');
    const first = undo.use(await startGatewayProcess(settings));
    let gateway: GatewayProcess = first;
    const call = async <T>(method: string, at: string, body?: unknown): Promise<T> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(gateway.url + at, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return (await response.json()) as T;
    };
    const stateOf = async (id: string) =>
      (await call<{ data: { vm: State } }>('POST', '/graphql', { query: STATE, variables: { id } })).data.vm;
    const newVm = async (secrets: Record<string, string>): Promise<string> => {
      const config = { vmlabel: 'flaky', region: { code: 'AU' }, password: 'x' };
      const { vm } = await call<{ vm: { id: string } }>('POST', '/vms/create', {
        config,
        os: { distribution: { code: 'flaky-app' }, cpu: 1, ram: 1 },
      });
      for (const [key, value] of Object.entries(secrets)) await setSecret(vm.id, key, value);
      await call('POST', `/vms/start/${vm.id}`);
      return vm.id;
    };
    const setSecret = (vmid: string, key: string, value: string) => call('POST', '/vms/secrets', { vmid, key, value });

    // Three VMs, each at another point when the gateway is killed.
    const [ending, booting, goingBack] = await Promise.all([newVm({ LINGER: '4' }), newVm({}), newVm({})]);
    for (const id of [ending, booting, goingBack]) {
      await eventually(async () => (await stateOf(id)).status === 'RUNNING', { deadline: 20_000 });
      await execInVm(id, 'echo mine > /config/mine');
    }
    // Its new container ends at once; the old one, which comes back, is held up by the end of the new one.
    await setSecret(goingBack, 'MODE', 'deaf');
    await executeSql(database.url, `update vm set attempts = 0 where id = '${goingBack}'`);
    await eventually(async () => (await stateOf(goingBack)).status === 'BOOTING', { deadline: 10_000 });
    const [deaf] = (await containersOf(goingBack)).filter(({ State: state }) => state === 'running');
    await setSecret(booting, 'MODE', 'slow');
    await eventually(async () => (await stateOf(booting)).status === 'BOOTING', { deadline: 10_000 });
    await setSecret(ending, 'API_KEY', 'k1');
    await eventually(async () => (await containersOf(ending)).length === 2, { deadline: 10_000 });
    await docker.getContainer(deaf?.Id ?? '').kill();
    await eventually(async () => (await stateOf(goingBack)).changeUndone, { deadline: 10_000 });
    first.child.kill('SIGKILL');
    await first.exited;

    // Instead of ten seconds' waiting until they run out.
    await executeSql(database.url, 'update vm set lease_until = now()');
    gateway = undo.use(await startGatewayProcess(settings));
    for (const id of [ending, booting, goingBack]) {
      await eventually(async () => (await stateOf(id)).status === 'RUNNING', { deadline: 25_000 });
      await eventually(async () => (await containersOf(id)).length === 1);
      await execInVm(id, 'test "$(cat /config/mine)" = mine');
    }
    const environmentOf = async (id: string) => {
      const [container] = await containersOf(id);
      return toEnvironment((await docker.getContainer(container?.Id ?? '').inspect()).Config.Env);
    };
    expect(await environmentOf(ending)).toMatchObject({ API_KEY: 'k1' });
    expect(await environmentOf(booting)).toMatchObject({ MODE: 'slow' });
    expect(await environmentOf(goingBack)).not.toHaveProperty('MODE');
    expect(await Promise.all([ending, booting, goingBack].map(async (id) => (await stateOf(id)).changeUndone))).toEqual(
      [false, false, true],
    );
  }, 90_000);
});
