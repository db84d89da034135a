import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { Observation } from '../../../src/engine/machine.ts';
import { EngineWatch } from '../../../src/reconciler/watch/engine/engine-watch.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import {
  docker,
  IDLE,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testImage,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { insertVm } from '../../support/database/insert-vm.ts';

const installationId = newInstallationId();
const signal = new AbortController().signal;
let database: TestDatabase;
let db: Db;
let driver: EngineDriver;
let imageRef: string;
beforeAll(async () => {
  imageRef = await testImage();
  database = await createTestDatabase();
  db = createDatabase(database.url, { max: 4 });
  driver = testDriver(installationId);
});
afterAll(async () => {
  await driver.close();
  await removeInstallation(installationId);
  await db.destroy();
  await database[Symbol.asyncDispose]();
}, 60_000);

let proxy: EngineProxy;
let watched: EngineDriver;
let watch: EngineWatch;
let lines: { level: number; msg: string; vmId?: string; vmIds?: string[]; regions?: string[]; seconds?: number }[];
/** An engine that has no event stream is asked for its list every second. */
beforeEach(async () => {
  proxy = await openEngineProxy();
  proxy.rule({ call: /^GET \/events/, act: { kind: 'answer', status: 500 } });
  watched = testDriver(installationId, { endpoint: proxy.endpoint });
  lines = [];
});
afterEach(async () => {
  await watch.close();
  await watched.close();
  await proxy[Symbol.asyncDispose]();
  for (const id of await idsOnEngine()) await driver.remove(id, ['until-stop', 'until-delete'], signal);
});

function begin(): void {
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  watch = new EngineWatch({ driver: watched, regions: ['AU'] }, { db, log, orphanGraceMs: 0 });
}
async function idsOnEngine(): Promise<string[]> {
  const { machines, volumes } = await driver.list(signal);
  return [...new Set([...machines, ...volumes].map(({ id }) => id))];
}
async function makeMachine(): Promise<Observation> {
  const volumes = [{ name: 'primary', target: '/data', lifetime: 'until-delete', mustExist: false }] as const;
  return driver.ensure(machineSpec({ id: randomUUID(), imageRef, command: IDLE, volumes }), signal, () => undefined);
}
/** Resolves once the watch has asked for its list that many times from now on, and seen to what it told. */
async function lists(count: number): Promise<void> {
  const seen = () => proxy.calls.filter((call) => call.startsWith('GET /volumes')).length;
  const before = seen();
  await eventually(() => seen() > before + count, { deadline: 20_000 });
}
const stateOf = async (id: string) => (await driver.observe(id, signal))?.state;
const hasVolume = async (id: string) => (await driver.list(signal)).volumes.some((volume) => volume.id === id);
const deleted = (id: string) =>
  db
    .insertInto('deleted_vm')
    .values({ vm_id: id, deleted_at: new Date(0) })
    .execute();

describe('an orphan', () => {
  it('is stopped, kept and logged once', async () => {
    const { id } = await makeMachine();
    begin();
    await eventually(async () => (await stateOf(id)) === 'exited', { deadline: 20_000 });
    await lists(3);
    expect(await stateOf(id)).toBe('exited');
    expect(await hasVolume(id)).toBe(true);
    expect(watch.orphans()).toBe(1);
    expect(lines.filter(({ vmIds }) => vmIds?.includes(id))).toHaveLength(1);
    await insertVm(db, { id, status: 'STOPPED' });
    await eventually(() => watch.orphans() === 0);
  });

  it('is removed if its VM was deleted, even if the removal of another one fails', async () => {
    const machines = await Promise.all([makeMachine(), makeMachine(), makeMachine()]);
    const [stuck] = machines.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    if (stuck === undefined) throw new Error('There is no machine.');
    const call = new RegExp(`^DELETE /containers/${stuck.ref}`);
    const end = proxy.rule({
      call,
      act: { kind: 'answer', status: 500, body: { message: 'device or resource busy' } },
    });
    for (const { id } of machines) await deleted(id);
    begin();
    await eventually(async () => (await idsOnEngine()).length === 1, { deadline: 20_000 });
    await lists(3);
    expect(await idsOnEngine()).toEqual([stuck.id]);
    expect(lines.filter(({ vmId, msg }) => vmId === stuck.id && msg.startsWith('failed to remove'))).toHaveLength(1);
    expect(proxy.calls.filter((each) => call.test(each))).toHaveLength(1);
    end();
    await eventually(async () => (await idsOnEngine()).length === 0, { deadline: 20_000 });
    expect(watch.orphans()).toBe(0);
  }, 60_000);
});

it('a VM with a row is not an orphan, whatever the row says', async () => {
  const { id } = await makeMachine();
  await insertVm(db, { id, status: 'FROBNICATED' });
  // Said falsely: a row is stronger.
  await deleted(id);
  begin();
  await lists(3);
  expect(await stateOf(id)).toBe('running');
  expect(await hasVolume(id)).toBe(true);
  expect(watch.orphans()).toBe(0);
  expect(lines).toEqual([]);
});

it('an outage of the engine is one line at its start and one at its end, with its length', async () => {
  begin();
  await lists(1);
  const end = proxy.rule({ call: /./, act: { kind: 'answer', status: 500 } });
  const begunAt = performance.now();
  await eventually(() => lines.some(({ msg }) => msg === 'the engine does not answer'), { deadline: 30_000 });
  expect(watch.isAnswering()).toBe(false);
  end();
  await eventually(() => lines.some(({ msg }) => msg === 'the engine answers again'), { deadline: 30_000 });
  const outage = lines.filter(({ msg }) => msg.startsWith('the engine '));
  expect(outage).toMatchObject([
    { level: 50, regions: ['AU'], msg: 'the engine does not answer' },
    { level: 30, regions: ['AU'], msg: 'the engine answers again' },
  ]);
  const [, { seconds = 0 } = {}] = outage;
  expect(seconds).toBeGreaterThanOrEqual(15);
  expect(seconds).toBeLessThan((performance.now() - begunAt) / 1_000);
}, 90_000);

describe('a suspiciously short list', () => {
  const wakesOf = async (id: string) =>
    (await db.selectFrom('vm').select('wakes').where('id', '=', id).executeTakeFirstOrThrow()).wakes;

  it.each([
    { when: 'from the first one on', known: false },
    { when: 'after one that was complete', known: true },
  ])(
    'changes nothing while the containers run: $when',
    async ({ known }) => {
      const { id, ref, address = '' } = await makeMachine();
      await insertVm(db, { id, status: 'RUNNING', engineRef: ref, address });
      const orphan = await makeMachine();
      await deleted(orphan.id);
      const containers = { call: /^GET \/containers\/json/, act: { kind: 'answer', status: 200, body: [] } } as const;
      const volumes = {
        call: /^GET \/volumes/,
        act: { kind: 'answer', status: 200, body: { Volumes: [], Warnings: null } },
      } as const;
      if (known) {
        await db.deleteFrom('deleted_vm').where('vm_id', '=', orphan.id).execute();
        begin();
        await lists(2);
      }
      const end = [proxy.rule(containers), proxy.rule(volumes)];
      if (!known) begin();
      await lists(4);
      expect(await wakesOf(id)).toBe(0);
      // A driver completes the list by the containers that it has seen; before it has seen any, the rows tell which to
      // look for.
      expect(lines.filter(({ msg }) => msg.startsWith('the engine does not list'))).toHaveLength(known ? 0 : 1);

      for (const each of end) each();
      await lists(2);
      expect(await wakesOf(id)).toBe(0);
      expect(await stateOf(id)).toBe('running');
    },
    60_000,
  );

  it('is accepted if the containers are gone', async () => {
    const { id, ref, address = '' } = await makeMachine();
    await insertVm(db, { id, status: 'RUNNING', engineRef: ref, address });
    begin();
    await lists(2);
    expect(await wakesOf(id)).toBe(0);
    await docker.getContainer(ref).remove({ force: true });
    await eventually(async () => (await wakesOf(id)) > 0, { deadline: 20_000 });
    expect(lines).toEqual([]);
  });
});
