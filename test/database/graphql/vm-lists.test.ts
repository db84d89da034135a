import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import type { PageRequest } from '../../../src/lib/page.ts';
import { listVms, type VmPage } from '../../../src/vm/store/vm-list.ts';
import type { VmFilter, VmSelection } from '../../../src/vm/store/vm-list-statement.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

const ACCOUNTS = 40;
const VMS = 4;
const SELECTION: VmSelection = { properties: new Set(['id', 'userId', 'vmlabel', 'mappings']), totalCount: true };
const WHOLE: PageRequest = { size: 50, fromEnd: false, after: undefined, before: undefined };

const statements: string[] = [];
let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, { onQuery: (statement) => statements.push(statement) });
  await executeSql(
    database.url,
    `insert into account (user_id, plan) select 'user-' || n, 'core' from generate_series(1, ${ACCOUNTS}) n;
     insert into vm (user_id, vmlabel, region, distribution, cpu, ram_gb, persistent, enabled, status)
       select 'user-' || n, 'vm ' || n || ' ' || i, case i when 1 then 'US' else 'AU' end, 'tiny', 1, 1, false, i = 2,
         case i when 3 then 'RUNNING' when 4 then 'LATER' else 'STOPPED' end
       from generate_series(1, ${ACCOUNTS}) n, generate_series(1, ${VMS}) i order by n, i;
     insert into vm_mapping (vm_id, name, internal_port, visibility) select id, 'app', number, 'PUBLIC' from vm;`,
  );
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

const list = (userId: string, filter: VmFilter = {}, page: Partial<PageRequest> = {}): Promise<VmPage> =>
  listVms(db, userId, { page: { ...WHOLE, ...page }, filter }, SELECTION);
const labelsOf = ({ items }: VmPage): string[] => items.map(({ vmlabel }) => vmlabel.split(' ').at(-1) ?? '');

it('answers lists of many accounts in shared statements, each with its own VMs', async () => {
  statements.length = 0;
  const users = Array.from({ length: ACCOUNTS }, (_, index) => `user-${index + 1}`);
  const pages = await Promise.all(users.map((userId) => list(userId)));
  expect(statements).toHaveLength(3);
  for (const [index, page] of pages.entries()) {
    expect(page.items.map(({ userId, vmlabel }) => [userId, vmlabel])).toEqual(
      Array.from({ length: VMS }, (_, vm) => [`user-${index + 1}`, `vm ${index + 1} ${vm + 1}`]),
    );
    expect(page.items.map(({ mappings }) => mappings.map(({ name }) => name))).toEqual(
      Array.from({ length: VMS }, () => ['app']),
    );
    expect([page.totalCount, page.hasMore]).toEqual([VMS, false]);
  }
});

it('answers lists with different pages and filters in one statement', async () => {
  const all = await list('user-1');
  const numbers = new Map(
    (await db.selectFrom('vm').select(['number', 'vmlabel']).execute()).map(({ number, vmlabel }) => [vmlabel, number]),
  );
  const second = numbers.get('vm 1 2');
  statements.length = 0;
  const pages = await Promise.all([
    list('user-1', {}, { size: 2 }),
    list('user-1', {}, { after: second }),
    list('user-1', {}, { before: second }),
    list('user-1', {}, { after: Number.MAX_SAFE_INTEGER - 1 }),
    list('user-1', { enabled: true }),
    list('user-1', { enabled: false, status: null, region: null, search: '' }),
    list('user-1', { region: 'US' }),
    list('user-1', { search: 'VM 1 3' }),
    list('user-1', { status: ['RUNNING', 'STOPPED'] }),
    list('user-1', { status: ['UNKNOWN'] }),
    list('user-1', { status: [] }),
    list('user-1', { region: 'AU', search: "' or true --" }),
    list('nobody'),
  ]);
  expect(statements).toHaveLength(1);
  expect(labelsOf(all)).toEqual(['1', '2', '3', '4']);
  expect(pages.map((page) => [labelsOf(page).join(), page.totalCount, page.hasMore])).toEqual([
    ['1,2', 4, true],
    ['3,4', 4, false],
    ['1', 4, false],
    ['', 4, false],
    ['2', 1, false],
    ['1,3,4', 3, false],
    ['1', 1, false],
    ['3', 1, false],
    ['1,2,3', 3, false],
    ['4', 1, false],
    ['', 0, false],
    ['', 0, false],
    ['', 0, false],
  ]);
});

it('answers lists from the end', async () => {
  const pages = await Promise.all([
    list('user-2', {}, { fromEnd: true, size: 3 }),
    list('user-3', { enabled: false }, { fromEnd: true, size: 2 }),
  ]);
  expect(pages.map((page) => [labelsOf(page).join(), page.totalCount, page.hasMore])).toEqual([
    ['2,3,4', 4, true],
    ['3,4', 3, true],
  ]);
});

it('refuses a filter that cannot be stored, and answers the lists beside it', async () => {
  const [nul, surrogate, other] = await Promise.allSettled([
    list('user-1', { search: 'a\0b' }),
    list('user-1', { region: '\ud800' }),
    list('user-1'),
  ]);
  const message = 'must not contain the NUL character or broken Unicode.';
  expect(nul).toMatchObject({
    reason: { code: 'BAD_USER_INPUT', details: { fields: [{ path: 'filter.search', message }] } },
  });
  expect(surrogate).toMatchObject({
    reason: { code: 'BAD_USER_INPUT', details: { fields: [{ path: 'filter.region', message }] } },
  });
  expect(other).toMatchObject({ status: 'fulfilled', value: { totalCount: VMS } });
});
