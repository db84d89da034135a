import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backoffSeconds } from '../../../src/reconciler/failure/vm-failure.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';

const token = await testToken('alice', { plan: 'unlimited' });

describe('the starts of an app that ends', () => {
  /** When an app that lives for so long each time is started, in seconds, over an hour. */
  function startsOf(livesForSeconds: number): number[] {
    const starts: number[] = [];
    let attempts = 0;
    for (let at = 0; at < 3_600;) {
      starts.push(at);
      attempts = livesForSeconds > 60 ? 1 : attempts + 1;
      at += livesForSeconds + backoffSeconds(attempts);
    }
    return starts;
  }

  it.each([0, 0.3, 1, 10, 59, 61, 90])('are at most 15 in any 10 minutes when it lives for %d s', (seconds) => {
    const starts = startsOf(seconds);
    const most = Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + 600).length));
    expect(most).toBeLessThanOrEqual(15);
    // Nor is it given up.
    expect(most).toBeGreaterThanOrEqual(4);
  });
});

describe('a VM whose app ends at once', () => {
  const command = ['/bin/sh', '-c', 'echo again; exit 3'];
  const gateway = useGateway({
    distributions: [{ code: 'crasher', image: 'swiftor-test/tiny:1', defaultPort: 3000, command }],
  });

  const rowOf = async (id: string) => {
    const { rows } = await executeSql(
      gateway.databaseUrl,
      `select status, attempts, last_failure ->> 'code' as code, extract(epoch from next_attempt_at - now())::float8 as wait from vm where id = '${id}'`,
    );
    return rows[0] as { status: string; attempts: number; code: string | null; wait: number | null } | undefined;
  };
  const { start, reaches } = createVmProbe(gateway, token);
  const hint = (id: string) =>
    executeSql(
      gateway.databaseUrl,
      `with marked as (update vm set wakes = wakes + 1, next_attempt_at = now() where id = '${id}' returning id)
       select pg_notify('vm_due', id::text) from marked`,
    );

  it('is started ever more seldom, however often it is hinted at, and can be stopped and deleted at any time', async () => {
    const id = await createVm(gateway, token, { distribution: 'crasher', desktop: null });
    const filters = { label: [`io.swiftor.vm=${id}`], event: ['start'] };
    // Read from the beginning: the engine keeps the last 256 events, of all tests.
    const events = (await docker.getEvents({ filters })) as Readable;
    onTestFinished(() => void events.destroy());
    let text = '';
    events.on('error', () => undefined).on('data', (chunk: Buffer) => (text += String(chunk)));
    await start(id);
    // A hint whenever it can hurt, until its fourth failure: the report of an exit must not bring the next start
    // forward.
    const row = await eventually(async () => (await hint(id)) && [await rowOf(id)].find((now) => now?.attempts === 4), {
      deadline: 50_000,
    });
    expect(row).toMatchObject({ status: 'FAILED', code: 'APP_EXITED' });
    const starts = await eventually(() => {
      const lines = text.split('\n').filter(Boolean);
      return lines.length >= 4 && lines.map((line) => (JSON.parse(line) as { timeNano: number }).timeNano / 1e9);
    });
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    expect(gaps).toEqual(
      [1, 2, 3].map((attempts) => expect.toSatisfy((gap: number) => gap >= backoffSeconds(attempts))),
    );

    expect((await gateway.rest(token, 'POST', `/vms/stop/${id}`)).status).toBe(200);
    await reaches(id, 'STOPPED', 10_000);
    expect(await docker.listContainers({ all: true, filters: { label: filters.label } })).toEqual([]);
    expect(await rowOf(id)).toMatchObject({ attempts: 0, code: null });
    expect((await gateway.rest(token, 'DELETE', `/vms/delete/${id}`)).status).toBe(200);
    await eventually(async () => (await rowOf(id)) === undefined, { deadline: 10_000 });
  }, 90_000);

  it('is stopped, and another deleted, in the middle of their starts', async () => {
    const ids: string[] = [];
    for (const end of [
      (id: string) => gateway.rest(token, 'POST', `/vms/stop/${id}`),
      (id: string) => gateway.rest(token, 'DELETE', `/vms/delete/${id}`),
    ]) {
      const id = await createVm(gateway, token, { distribution: 'crasher', desktop: null });
      ids.push(id);
      await start(id);
      await eventually(async () => !['STOPPED', 'QUEUED'].includes((await rowOf(id))?.status ?? ''));
      await end(id);
    }
    await reaches(ids[0] ?? '', 'STOPPED', 10_000);
    await eventually(async () => (await rowOf(ids[1] ?? '')) === undefined, { deadline: 10_000 });
    for (const id of ids)
      expect(await docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${id}`] } })).toEqual([]);
  });

  it('is tried again at once by who starts it, and with other secrets', async () => {
    const id = await createVm(gateway, token, { distribution: 'crasher', desktop: null });
    await start(id);
    await reaches(id, 'FAILED');
    await executeSql(
      gateway.databaseUrl,
      `update vm set attempts = 9, next_attempt_at = now() + interval '60 s' where id = '${id}'`,
    );
    await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid: id, key: 'FIXED', value: 'yes' } });
    await eventually(async () => (await rowOf(id))?.attempts === 10 && (await rowOf(id))?.status === 'FAILED', {
      deadline: 15_000,
    });
    expect((await rowOf(id))?.wait).toBeGreaterThan(50);
    await start(id);
    await eventually(async () => (await rowOf(id))?.attempts === 1 && (await rowOf(id))?.status === 'FAILED', {
      deadline: 15_000,
    });
  });
});

describe('an app that ran', () => {
  const gateway = useGateway();

  it.each([
    ['for more than a minute is no crash loop: its next failure counts as the first', 61, 1],
    ['for less goes on counting', 30, 6],
  ])('%s', async (_what, ranForSeconds, attempts) => {
    const id = await createVm(gateway, token);
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const row = async () => {
      const { rows } = await executeSql(
        gateway.databaseUrl,
        `select status, attempts, address from vm where id = '${id}'`,
      );
      return rows[0] as { status: string; attempts: number };
    };
    await eventually(async () => (await row()).status === 'RUNNING');
    await executeSql(
      gateway.databaseUrl,
      `update vm set attempts = 5, started_at = now() - interval '${ranForSeconds} s' where id = '${id}'`,
    );
    const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });
    await docker.getContainer(container?.Id ?? '').kill();
    await eventually(async () => (await row()).status === 'FAILED');
    expect((await row()).attempts).toBe(attempts);
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
  });
});
