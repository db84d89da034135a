import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { findDeletedVms } from '../../../src/events/deleted-vms.ts';
import { pruneEvents } from '../../../src/events/event-store.ts';
import { adoptOrphan, type Orphan } from '../../../src/reconciler/orphans/orphan-commands.ts';
import { fromOrderLabels, toOrderLabels } from '../../../src/vm/commands/order-labels.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { testDriver } from '../../support/engine/engines.ts';
import { openTestSecretBox } from '../../support/database/secret-box.ts';
import { VM } from '../../support/database/vm-row.ts';
import { FORWARD } from '../../support/vm/vms.ts';

const ID = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, { max: 2 });
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

it('an order is read back from its labels, and so is a part of it', () => {
  const { userId, vmlabel, region, distribution, desktop, cpu, ramGb } = VM;
  expect(fromOrderLabels(toOrderLabels(VM))).toEqual({ userId, vmlabel, region, distribution, desktop, cpu, ramGb });
  expect(fromOrderLabels(toOrderLabels({ ...VM, desktop: null }))).not.toHaveProperty('desktop');
  expect(fromOrderLabels({ 'io.swiftor.vm': ID, 'io.swiftor.cpu': '3' })).toEqual({ cpu: 3 });
});

describe('an adoption', () => {
  // Never asked: each of these ends before.
  const driver = testDriver('none', { endpoint: 'unix:///nowhere.sock' });
  afterAll(() => driver.close());
  const orphan: Orphan = {
    id: ID,
    regions: ['AU', 'US'],
    driver,
    state: undefined,
    volumes: [],
    order: {},
    isDeleted: false,
  };
  const order = { userId: 'alice', region: 'AU', distribution: 'ubuntu', desktop: 'xfce', cpu: 1, ramGb: 1 };

  it.each([
    ['of what was deleted', { ...orphan, isDeleted: true }, order, /was deleted/],
    ['refuses an id that is not the id of a VM', { ...orphan, id: 'seven' }, order, /not the id of a VM/],
    [
      'without labels names each option',
      orphan,
      {},
      /--user, --region, --distribution, --cpu, --ram \(and --desktop\)/,
    ],
    [
      'names only what nothing tells',
      { ...orphan, regions: ['AU'], order: { cpu: 1, ramGb: 1 } },
      { userId: 'bob' },
      /add --distribution \(/,
    ],
    ['that lacks nothing goes on to the engine', { ...orphan, order }, {}, /nowhere\.sock/],
    ['with too many cores ends before it', orphan, { ...order, cpu: 129 }, /^cpu: must be a whole number/],
    ['with cores that are no number ends before it', orphan, { ...order, cpu: Number('x') }, /^cpu: /],
    ['for a user that no token can have ends before it', orphan, { ...order, userId: 'al ice' }, /^user: must have/],
    ['of a region elsewhere', orphan, { ...order, region: 'EU' }, /on the engine of AU, US, not of EU/],
  ])('%s', async (_what, from, given, message) => {
    const deps = {
      db,
      catalog: await loadCatalog({ defaultPlan: 'core', regions: ['AU', 'US'] }),
      secretBox: await openTestSecretBox(db),
      forward: FORWARD,
    };
    await expect(adoptOrphan(deps, from, given, AbortSignal.timeout(10_000))).rejects.toThrow(message);
  });
});

it('the deletion of a VM is known after its events were pruned', async () => {
  const [old, recent, other] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`) as [
    string,
    string,
    string,
  ];
  await db.insertInto('account').values({ user_id: 'alice', plan: 'core' }).execute();
  const event = (seq: number, vmId: string, kind: string, days: number) =>
    db
      .insertInto('vm_event')
      .values({ user_id: 'alice', seq, vm_id: vmId, kind, status: kind, at: new Date(Date.now() - days * 86_400_000) })
      .execute();
  await event(1, old, 'CREATED', 30);
  await event(2, other, 'CREATED', 20);
  await event(3, old, 'DELETED', 10);
  await event(4, recent, 'DELETED', 1);
  const ids = [old, recent, other, 'no uuid at all'];
  for (let round = 0; round < 2; round += 1) {
    expect([...(await findDeletedVms(db, ids))].toSorted()).toEqual([old, recent]);
    await pruneEvents(db, 7);
  }
  const kept = await db.selectFrom('vm_event').select('seq').execute();
  expect(kept.map(({ seq }) => seq)).toEqual([4]);
  expect(await findDeletedVms(db, ['no uuid at all'])).toEqual(new Set());
});
