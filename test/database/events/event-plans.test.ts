import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { findDeletedVms } from '../../../src/events/deleted-vms.ts';
import { findOwnership, pruneEvents, readEvents } from '../../../src/events/event-store.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

it('no statement reads all events, neither in a new database nor in one that has grown', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  const texts: string[] = [];
  const db = undo.adopt(createDatabase(url, { onQuery: (sql) => texts.push(sql) }), (open) => open.destroy());
  const vmId = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
  await readEvents(db, 'alice', 5);
  await findOwnership(db, 'alice', vmId);
  await findDeletedVms(db, [vmId]);
  const reads = texts.filter((text) => text.includes('vm_event'));
  expect(reads.length).toBe(3);
  texts.length = 0;
  await pruneEvents(db, 7);
  const explain = async (text: string) =>
    JSON.stringify((await executeSql(url, `explain (generic_plan) ${text}`)).rows);
  for (const text of reads) expect(await explain(text)).not.toContain('Seq Scan on vm_event');
  await executeSql(url, "insert into account (user_id, plan) select 'u' || n, 'core' from generate_series(0, 99) n");
  await executeSql(
    url,
    `insert into vm_event (user_id, seq, vm_id, kind, status)
     select 'u' || n % 100, n / 100, gen_random_uuid(), 'CHANGED', 'RUNNING' from generate_series(0, 19999) n`,
  );
  await executeSql(url, 'analyze');
  for (const text of [...reads, ...texts]) expect(await explain(text)).not.toContain('Seq Scan on vm_event');
});
