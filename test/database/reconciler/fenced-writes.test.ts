import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { runTransaction } from '../../../src/db/transaction.ts';
import { changeVm } from '../../../src/vm/store/vm-change.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

it('a write under a lease finds its row by the id, also where many VMs run since the last analysis', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  await executeSql(url, "insert into account (user_id, plan) values ('alice', 'core')");
  await executeSql(
    url,
    `insert into vm (user_id, vmlabel, region, distribution, cpu, ram_gb, persistent, lease_owner, generation)
     select 'alice', 'vm', 'AU', 'ubuntu', 1, 1, false, 'this gateway', 1 from generate_series(1, 5000)`,
  );
  await executeSql(url, 'analyze vm');
  const { rows } = await executeSql(url, "update vm set status = 'STARTING' where number <= 2000 returning id");
  const vms = rows as readonly { readonly id: string }[];
  const scansOf = async (index: string): Promise<number> => {
    const { rows: found } = await executeSql(
      url,
      `select idx_scan::int as scans from pg_stat_user_indexes where indexrelname = '${index}'`,
    );
    return (found[0] as { scans: number }).scans;
  };
  const db = createDatabase(url, { max: 1 });
  for (const { id } of vms.slice(0, 10)) {
    const before = { id, userId: 'alice', status: 'STARTING', boot: null } as const;
    const fence = { leaseOwner: 'this gateway', generation: 1 };
    const changed = await runTransaction(db, (trx) =>
      changeVm(trx, before, { status: 'BOOTING', reason: 'BOOT' }, { fence }),
    );
    expect(changed?.status).toBe('BOOTING');
  }
  // A connection counts what it has scanned when it ends.
  await db.destroy();
  await expect.poll(() => scansOf('vm_pkey')).toBeGreaterThanOrEqual(10);
  expect(await scansOf('vm_active')).toBe(0);
});
