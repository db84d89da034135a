import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway, type TestGatewayOptions } from '../../support/gateway/gateway.ts';
import { createVm, eventsUntil } from '../../support/vm/vms.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { containersOf } from '../../support/vm/vm-probe.ts';

const token = async () => gateway.token(USER);
const USER = randomUUID();
const SMALL = {
  code: 'small-scratch',
  image: 'swiftor-test/tiny:1',
  defaultPort: 3000,
  stopGraceSeconds: 2,
  bootSeconds: 30,
  scratchGb: 0.02,
};
const options = (more: Partial<TestGatewayOptions>): TestGatewayOptions => ({ distributions: [SMALL], ...more });
/** Answers, and does nothing on an engine: those that come and go beside it do. */
const gateway = useGateway(options({ env: { ROLES: 'api,ingress' } }));
const withReconciler = (watermark: string) =>
  createTestGateway(options({ databaseUrl: gateway.databaseUrl, env: { DISK_WATERMARK: watermark } }));

interface Seen {
  readonly status: string;
  readonly lastFailure: { readonly code: string; readonly message: string; readonly retryAt: string | null } | null;
}
async function look(id: string): Promise<Seen | undefined> {
  const query = 'query ($id: ID!) { vm(id: $id) { status lastFailure { code message retryAt } } }';
  return (await gateway.graphql<{ vm: Seen }>(await token(), query, { id })).data?.vm;
}
const reaches = (id: string, status: string) =>
  eventually(
    async () => {
      const vm = await look(id);
      return vm?.status === status && vm;
    },
    { deadline: 60_000 },
  );
const act = async (what: 'start' | 'stop', id: string) => gateway.rest(await token(), 'POST', `/vms/${what}/${id}`);

async function execIn(id: string, script: string): Promise<string> {
  const [container] = await containersOf(id);
  const exec = await docker
    .getContainer(container?.Id ?? '')
    .exec({ Cmd: ['/bin/sh', '-c', script], AttachStdout: true, Tty: true });
  return (await text(await exec.start({ Tty: true }))).trim();
}

it('a full disk takes nothing new and lets live what runs; once there is room, what waited comes up by itself', async () => {
  const runs = await createVm(gateway, await token());
  const waits = await createVm(gateway, await token());
  let before: string | undefined;
  {
    await using _roomy = await withReconciler('100%');
    await act('start', runs);
    await reaches(runs, 'RUNNING');
    before = (await containersOf(runs))[0]?.Id;
  }
  {
    await using full = await withReconciler('0%');
    await act('start', waits);
    const { lastFailure } = await reaches(waits, 'FAILED');
    expect(lastFailure).toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringMatching(/nearly full.*retried automatically/),
    });
    expect(new Date(lastFailure?.retryAt ?? 0).getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(await containersOf(waits)).toEqual([]);
    const { data } = await full.graphql<{ regions: { available: boolean }[] }>(
      await token(),
      '{ regions { available } }',
    );
    expect(data?.regions.map(({ available }) => available)).toEqual([false, false]);
    expect(await (await fetch(`${full.url}/health/ready`)).text()).toContain('DISK_WATERMARK');
    expect(await look(runs)).toMatchObject({ status: 'RUNNING' });
    expect((await containersOf(runs)).map(({ Id, State }) => [Id, State])).toEqual([[before, 'running']]);
  }
  await using _roomy = await withReconciler('100%');
  await reaches(waits, 'RUNNING');
  for (const id of [runs, waits]) await act('stop', id);
  for (const id of [runs, waits]) await reaches(id, 'STOPPED');
}, 120_000);

it('what writes past its scratch is stopped with a failure that says so, and starts afresh after a stop by its owner', async () => {
  const id = await createVm(gateway, await token(), { distribution: SMALL.code, desktop: null });
  await using _works = await withReconciler('100%');
  await act('start', id);
  await reaches(id, 'RUNNING');
  // Neither alone is too much. The first measuring of a gateway is at its start.
  await execIn(
    id,
    'dd if=/dev/zero of=/layer bs=1024 count=12288; dd if=/dev/zero of=/config/volume bs=1024 count=12288',
  );
  await using measuring = new AsyncDisposableStack();
  const events = await eventsUntil(
    gateway,
    await token(),
    { vmId: id },
    ({ status }) => status === 'FAILED',
    async () => measuring.use(await withReconciler('100%')),
    90_000,
  );
  expect(events.at(-1)).toMatchObject({ status: 'FAILED', previousStatus: 'RUNNING', reason: 'DISK' });
  const { lastFailure } = await reaches(id, 'FAILED');
  expect(lastFailure).toMatchObject({ code: 'DISK_LIMIT', message: expect.stringContaining('0.02 GB'), retryAt: null });

  // Whatever hints come, it stays so.
  await executeSql(gateway.databaseUrl, `update vm set wakes = wakes + 1, next_attempt_at = now() where id = '${id}'`);
  await eventually(async () => {
    const { rows } = await executeSql(
      gateway.databaseUrl,
      `select from vm where id = '${id}' and next_attempt_at is null`,
    );
    return rows.length === 1;
  });
  expect(await look(id)).toMatchObject({ status: 'FAILED' });
  expect((await containersOf(id)).map(({ State }) => State)).toEqual(['exited']);

  await act('start', id);
  await reaches(id, 'RUNNING');
  expect(await execIn(id, 'test -e /layer && test -e /config/volume && echo all there')).toBe('all there');
  await act('stop', id);
  await reaches(id, 'STOPPED');
  await act('start', id);
  await reaches(id, 'RUNNING');
  expect(await execIn(id, 'test -e /layer || test -e /config/volume || echo afresh')).toBe('afresh');
}, 120_000);
