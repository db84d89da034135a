import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { readVmSummaries } from '../../../src/reconciler/watch/engine/known-vms.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

it('the watch of an engine reads VMs that are not stopped and those of its list, by indexes alone', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  let text = '';
  const db = undo.adopt(createDatabase(url, { onQuery: (sql) => (text = sql) }), (open) => open.destroy());
  await executeSql(url, "insert into account (user_id, plan) values ('alice', 'core')");
  const insert = async (label: string, count: number, region: string, status: string): Promise<string> => {
    const { rows } = await executeSql(
      url,
      `insert into vm (user_id, vmlabel, region, distribution, cpu, ram_gb, persistent, status)
       select 'alice', '${label}', '${region}', 'ubuntu', 1, 1, false, '${status}' from generate_series(1, ${count}) returning id`,
    );
    return (rows[0] as { id: string }).id;
  };
  const [listed, running, elsewhere, newer] = [
    await insert('stopped', 20_000, 'AU', 'STOPPED'),
    await insert('running', 1, 'AU', 'RUNNING'),
    await insert('elsewhere', 1, 'US', 'RUNNING'),
    await insert('newer', 1, 'AU', 'HIBERNATING'),
  ];
  await executeSql(url, 'analyze vm');
  const vms = await readVmSummaries(db, ['AU'], [listed, listed, 'no-uuid']);
  expect(vms.map(({ id }) => id).toSorted()).toEqual([listed, running, newer].toSorted());
  expect(vms.some(({ id }) => id === elsewhere)).toBe(false);
  const explained = text.replace('$1', "'{AU}'").replace('$2', `'{${listed}}'`);
  const { rows } = await executeSql(url, `explain ${explained}`);
  expect(JSON.stringify(rows)).not.toContain('Seq Scan');
});
