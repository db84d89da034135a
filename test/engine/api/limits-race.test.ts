import { setImmediate as tick } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { readUsage } from '../../../src/vm/read-usage.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { VM_INPUT } from '../../support/vm/vms.ts';

const AT_ONCE = 50;
const ENDLESS = { cpu: 10_000, ram: 10_000, storageGb: 10_000, concurrentVms: 10_000 };
/** Each is tight in one dimension only; VMs of 2 CPU and 3 GB. */
const PLANS = [
  { code: 'cpu', name: 'Tight in CPU', ...ENDLESS, cpu: 15 },
  { code: 'ram', name: 'Tight in RAM', ...ENDLESS, ram: 17 },
  { code: 'count', name: 'Tight in VMs', ...ENDLESS, concurrentVms: 4 },
  { code: 'full', name: 'Full', ...ENDLESS, storageGb: 1 },
  { code: 'bothways', name: 'Tight in all', cpu: 9, ram: 13, storageGb: 1, concurrentVms: 4 },
  { code: 'small', name: 'Few VMs', ...ENDLESS, vms: 20 },
];
const GB = 2 ** 30;

let database: TestDatabase;
let db: Db;
let gateways: readonly [TestGateway, TestGateway];
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, { max: 2 });
  // Without a reconciler what is started stays QUEUED: limits are of what is desired.
  const start = () => createTestGateway({ databaseUrl: database.url, plans: PLANS, env: { ROLES: 'api' } });
  gateways = [await start(), await start()];
});
afterAll(async () => {
  for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

/** VMs that are off, by SQL: a race needs many. */
async function seedVms(userId: string, count: number, storageBytes = 0): Promise<string[]> {
  await executeSql(
    database.url,
    `insert into account (user_id, plan) values ('${userId}', 'core') on conflict do nothing`,
  );
  const { rows } = await executeSql(
    database.url,
    `insert into vm (user_id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent, storage_bytes)
     select '${userId}', 'vm ' || n, 'AU', 'ubuntu', 'xfce', 2, 3, true, ${storageBytes} from generate_series(1, ${count}) n returning id`,
  );
  return (rows as { id: string }[]).map(({ id }) => id);
}

interface Answer {
  readonly code: string | undefined;
  readonly dimensions: readonly string[];
}

/** One start, each time in another way: GraphQL and REST, start and restart, GET and POST, this gateway and that. */
async function start(token: string, id: string, index: number): Promise<Answer> {
  const gateway = gateways[index % 2] ?? gateways[0];
  if (index % 4 < 2) {
    const method = index % 8 < 4 ? 'GET' : 'POST';
    const answer = (await (await gateway.rest(token, method, `/vms/start/${id}`)).json()) as {
      code?: string;
      violations?: Violation[];
    };
    return { code: answer.code, dimensions: (answer.violations ?? []).map(({ dimension }) => dimension) };
  }
  const mutation = index % 8 < 4 ? 'startVm' : 'restartVm';
  const { errors } = await gateway.graphql(token, `mutation { ${mutation}(id: "${id}") { id } }`);
  const extensions = errors?.[0]?.extensions as { code: string; violations?: Violation[] } | undefined;
  return { code: extensions?.code, dimensions: (extensions?.violations ?? []).map(({ dimension }) => dimension) };
}
interface Violation {
  readonly dimension: string;
}

/** Looks at what the account uses, until aborted; the most of each that it ever saw. */
async function watchUsage(
  userId: string,
  signal: AbortSignal,
): Promise<{ cpu: number; ram: number; concurrentVms: number }> {
  const most = { cpu: 0, ram: 0, concurrentVms: 0 };
  while (!signal.aborted) {
    const { cpu, ram, concurrentVms } = await readUsage(db, userId);
    most.cpu = Math.max(most.cpu, cpu);
    most.ram = Math.max(most.ram, ram);
    most.concurrentVms = Math.max(most.concurrentVms, concurrentVms);
    await tick();
  }
  return most;
}

describe(`of ${AT_ONCE} starts at once, over GraphQL and REST, on two gateways`, { timeout: 60_000 }, () => {
  it.each([
    ['cpu', 7, ['CPU']],
    ['ram', 5, ['RAM']],
    ['count', 4, ['CONCURRENT_VMS']],
    ['full', 0, ['STORAGE']],
    ['bothways', 0, ['STORAGE']],
  ])('as many pass as the plan "%s" has room for: %i', async (plan, room, dimensions) => {
    const userId = `race-${plan}`;
    const ids = await seedVms(userId, AT_ONCE, room === 0 ? GB : 0);
    const token = await gateways[0].token(userId, { plan });
    const ending = new AbortController();
    const watching = watchUsage(userId, ending.signal);
    const answers = await Promise.all(ids.map((id, index) => start(token, id, index)));
    ending.abort();
    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(room);
    const refused = answers.filter(({ code }) => code !== undefined);
    expect(refused).toEqual(refused.map(() => ({ code: 'QUOTA_EXCEEDED', dimensions })));
    expect((await watching).concurrentVms).toBeLessThanOrEqual(room);
    expect((await readUsage(db, userId)).concurrentVms).toBe(room);
  });

  it('each refusal names every dimension that would be exceeded', async () => {
    const ids = await seedVms('race-all', AT_ONCE);
    const token = await gateways[0].token('race-all', { plan: 'bothways' });
    const answers = await Promise.all(ids.map((id, index) => start(token, id, index)));
    // Four of 2 CPU and 3 GB leave 1 CPU and 1 GB, and no VM.
    const refused = answers.filter(({ code }) => code !== undefined);
    expect(refused).toHaveLength(AT_ONCE - 4);
    expect(refused).toEqual(
      refused.map(() => ({ code: 'QUOTA_EXCEEDED', dimensions: ['CPU', 'RAM', 'CONCURRENT_VMS'] })),
    );
  });
});

it(
  'starts, stops, restarts, other specs and deletions, all at once, never pass the plan at any moment',
  { timeout: 120_000 },
  async () => {
    const userId = 'churn';
    const ids = await seedVms(userId, 8);
    const token = await gateways[0].token(userId, { plan: 'bothways' });
    const ending = new AbortController();
    const watching = watchUsage(userId, ending.signal);
    // A mulberry32 of a fixed seed: the same operations in each run, in whatever order they arrive.
    let state = 20_261_124;
    const random = (below: number): number => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) % below;
    };
    const operations = [
      (id: string) => `startVm(id: "${id}") { id }`,
      (id: string) => `startVm(id: "${id}") { id }`,
      (id: string) => `restartVm(id: "${id}") { id }`,
      (id: string) => `stopVm(id: "${id}") { id }`,
      (id: string) => `updateVm(input: { id: "${id}", cpu: ${1 + random(5)}, ram: ${1 + random(6)} }) { id }`,
    ];
    const worker = async (lane: number): Promise<(string | undefined)[]> => {
      const codes: (string | undefined)[] = [];
      for (let count = 0; count < 25; count += 1) {
        const id = ids[random(ids.length)] ?? '';
        const mutation = operations[random(operations.length)]?.(id) ?? '';
        const { errors } = await (gateways[lane % 2] ?? gateways[0]).graphql(token, `mutation { ${mutation} }`);
        codes.push(errors?.[0]?.extensions.code);
      }
      return codes;
    };
    const codes = (await Promise.all(Array.from({ length: 8 }, (_, lane) => worker(lane)))).flat();
    await Promise.all(ids.slice(0, 4).map((id) => gateways[1].graphql(token, `mutation { deleteVm(id: "${id}") }`)));
    ending.abort();
    const most = await watching;
    expect([most.cpu <= 9, most.ram <= 13, most.concurrentVms <= 4, most.concurrentVms > 0]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    // Nothing but what these commands can say: CONFLICT for specs of one that is on.
    expect(new Set(codes)).toEqual(new Set([undefined, 'QUOTA_EXCEEDED', 'CONFLICT']));
  },
);

it('a start and other specs at once: whichever came first, what runs fits the plan', async () => {
  const token = await gateways[0].token('resize', { plan: 'cpu' });
  for (const id of await seedVms('resize', 12)) {
    const [update, started] = await Promise.all([
      gateways[0].graphql(token, `mutation { updateVm(input: { id: "${id}", cpu: 16 }) { id } }`),
      gateways[1].graphql(token, `mutation { startVm(id: "${id}") { id } }`),
    ]);
    const codes = [update.errors?.[0]?.extensions.code, started.errors?.[0]?.extensions.code];
    expect([
      [undefined, 'QUOTA_EXCEEDED'],
      ['CONFLICT', undefined],
    ]).toContainEqual(codes);
    await gateways[0].graphql(token, `mutation { stopVm(id: "${id}") { id } }`);
  }
});

it("a plan that a token names holds for that token's starts, one that no plan has is no plan", async () => {
  const [one, two, three] = await seedVms('plans', 3);
  const startWith = async (plan: string, id = '') => {
    const token = await gateways[0].token('plans', { plan });
    const { data } = await gateways[0].graphql<{ vm: { startViolations: object[] } }>(
      token,
      `{ vm(id: "${id}") { startViolations { limit } } }`,
    );
    const { code } = await start(token, id, 0);
    // What was announced is what happens.
    expect(code === undefined).toBe(data?.vm.startViolations.length === 0);
    return code;
  };
  expect(await startWith('core', one)).toBe('QUOTA_EXCEEDED');
  expect(await startWith('cpu', one)).toBeUndefined();
  // The account's own by now.
  expect(await startWith('no-such-plan', two)).toBeUndefined();
  expect(await startWith('core', three)).toBe('QUOTA_EXCEEDED');
});

it('a VM that is on and FAILED is tried again without being counted twice', async () => {
  const ids = await seedVms('failed', 4);
  const token = await gateways[0].token('failed', { plan: 'count' });
  for (const [index, id] of ids.entries()) expect((await start(token, id, index)).code).toBeUndefined();
  await executeSql(database.url, `update vm set status = 'FAILED' where user_id = 'failed'`);
  const answers = await Promise.all([...ids, ...ids].map((id, index) => start(token, id, index * 4)));
  expect(answers.map(({ code }) => code)).toEqual(answers.map(() => undefined));
});

describe('what an account may have, on or off', () => {
  const CREATE = 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }';

  it(`of ${AT_ONCE} creations at once as many pass as the plan has VMs, and one that is repeated is no other`, async () => {
    const token = await gateways[0].token('maker', { plan: 'small' });
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const input = { ...VM_INPUT, ...(index % 10 === 0 && { idempotencyKey: 'the same' }) };
        return (gateways[index % 2] ?? gateways[0]).graphql<{ createVm: { id: string } }>(token, CREATE, { input });
      }),
    );
    const made = answers.flatMap(({ data }) => data?.createVm.id ?? []);
    expect(new Set(made).size).toBe(20);
    const refused = answers.flatMap(({ errors }) => errors?.[0]?.extensions ?? []);
    expect(refused.length).toBeGreaterThanOrEqual(AT_ONCE - 20 - 5);
    expect(refused).toEqual(
      refused.map(() => ({
        code: 'QUOTA_EXCEEDED',
        violations: [expect.objectContaining({ dimension: 'VMS', limit: 20, used: 20 })],
      })),
    );
    const rest = await gateways[1].rest(token, 'POST', '/vms/create', {
      body: {
        config: { vmlabel: 'x', region: { code: 'AU' }, password: 'p' },
        os: { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 1, ram: 1 },
      },
    });
    expect([rest.status, ((await rest.json()) as { code: string }).code]).toEqual([400, 'QUOTA_EXCEEDED']);
  });

  it('50 calls at once with one idempotency key make one VM and get one answer', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 4; round += 1) {
      const token = await gateways[0].token(`once-${round}`);
      const input = { ...VM_INPUT, idempotencyKey: `key ${round}` };
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          (gateways[index % 2] ?? gateways[0]).graphql<{ createVm: { id: string } }>(token, CREATE, { input }),
        ),
      );
      expect(new Set(answers.map(({ data }) => data?.createVm.id)).size).toBe(1);
      expect((await readUsage(db, `once-${round}`)).vms).toBe(1);
    }
  });

  it.each([
    ['200 secrets of a VM', 1, 'vm_secret (vm_id, key, sealed)', `'S' || n, ''`, 195, 5],
    ['2000 secrets of an account', 11, 'vm_secret (vm_id, key, sealed)', `'S' || n, ''`, 181, 9],
  ])('%s, whatever comes at once', async (what, vms, table, columns, each, room) => {
    const userId = `cap ${what}`.replaceAll(' ', '-');
    const ids = await seedVms(userId, vms);
    await executeSql(
      database.url,
      `insert into ${table} select vm.id, ${columns} from vm cross join generate_series(1, ${each}) n where user_id = '${userId}'`,
    );
    const token = await gateways[0].token(userId);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => {
        const body = { vmid: ids[index % ids.length], key: `NEW_${index}`, value: 'v' };
        return (gateways[index % 2] ?? gateways[0]).rest(token, 'POST', '/vms/secrets', { body });
      }),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(room);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(30 - room);
    // One that is there may still be replaced.
    const replaced = await gateways[0].rest(token, 'POST', '/vms/secrets', {
      body: { vmid: ids[0], key: 'S1', value: 'v' },
    });
    expect(replaced.status).toBe(200);
  });

  it.each([
    ['50 mappings of a VM', 1, 45, 5],
    ['500 mappings of an account', 12, 41, 8],
  ])('%s, whatever comes at once', async (what, vms, each, room) => {
    const userId = `cap ${what}`.replaceAll(' ', '-');
    const ids = await seedVms(userId, vms);
    await executeSql(
      database.url,
      `insert into vm_mapping (vm_id, name, internal_port, visibility)
       select vm.id, 'm' || n, 80, 'PUBLIC' from vm cross join generate_series(1, ${each}) n where user_id = '${userId}'`,
    );
    const token = await gateways[0].token(userId);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => {
        const body = { vmid: ids[index % ids.length], name: `new-${index}`, internal_port: 80 };
        return (gateways[index % 2] ?? gateways[0]).rest(token, 'POST', '/vms/networking', { body });
      }),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(room);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(30 - room);
  });
});

it('an account that sends a hundred changes at once does not keep another one waiting', async () => {
  const ids = await seedVms('flood', 1);
  const [flood, other] = [await gateways[0].token('flood'), await gateways[0].token('calm')];
  const changes = Array.from({ length: 100 }, (_, index) =>
    gateways[0].graphql(flood, `mutation { updateVm(input: { id: "${ids[0]}", vmlabel: "label ${index}" }) { id } }`),
  );
  const all = Promise.all(changes).then(() => 'the flood' as const);
  const first = await Promise.race([all, gateways[0].graphql(other, CREATE_OTHER).then(() => 'the other' as const)]);
  expect(first).toBe('the other');
  expect((await Promise.all(changes)).flatMap(({ errors }) => errors ?? [])).toEqual([]);
});
const CREATE_OTHER = `mutation { createVm(input: { vmlabel: "x", region: "AU", password: "p", distribution: "ubuntu", desktop: "xfce", cpu: 1, ram: 1 }) { id } }`;
