import { signToken } from '../../src/auth/jwt.ts';
import { executeSql } from '../../test/support/database/execute-sql.ts';

/** An account with a socket. */
export interface ScaleAccount {
  readonly userId: string;
  readonly token: string;
  /** The VMs that it has a subscription for each. */
  readonly vmIds: readonly string[];
}

/** Adds accounts without VMs. */
export async function addAccounts(databaseUrl: string, accounts: number): Promise<void> {
  await executeSql(
    databaseUrl,
    `insert into account (user_id, plan) select 'scale-' || n, 'unlimited' from generate_series(0, ${accounts - 1}) n`,
  );
}

/** Adds stopped VMs, spread over the accounts. */
export async function addVms(databaseUrl: string, accounts: number, count: number): Promise<void> {
  await executeSql(
    databaseUrl,
    `insert into vm (user_id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent)
     select 'scale-' || n % ${accounts}, 'vm ' || n, 'AU', 'simulated', null, 1, 1, false
     from generate_series(0, ${count - 1}) n`,
  );
  // Not of all tables: one that is empty would be read without its indexes until it is analysed again.
  await executeSql(databaseUrl, 'analyze account, vm');
}

/** The VMs of each account, by the order of their creation. */
export async function readVms(databaseUrl: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await executeSql(databaseUrl, 'select user_id, id from vm order by number');
  const byUser = Map.groupBy(rows as { user_id: string; id: string }[], ({ user_id: userId }) => userId);
  return new Map([...byUser].map(([userId, vms]) => [userId, vms.map(({ id }) => id)]));
}

export function signFor(userId: string, secret: string): Promise<string> {
  return signToken({ userId, plan: 'unlimited', ttlSeconds: 36_000 }, { secret, audience: 'authenticated' });
}
