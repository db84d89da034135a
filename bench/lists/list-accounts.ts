import { signToken } from '../../src/auth/jwt.ts';
import { executeSql } from '../../test/support/database/execute-sql.ts';

export const VMS_PER_ACCOUNT = 5;

export interface ListAccount {
  readonly token: string;
  readonly vmId: string;
}

/** Inserts accounts with 5 stopped VMs of two mappings each, and signs a token for each account. */
export async function fillAccounts(
  databaseUrl: string,
  { accounts, secret }: { accounts: number; secret: string },
): Promise<ListAccount[]> {
  await executeSql(
    databaseUrl,
    `insert into account (user_id, plan) select 'lists-' || n, 'engineer' from generate_series(1, ${accounts}) n`,
  );
  await executeSql(
    databaseUrl,
    `insert into vm (user_id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent)
     select 'lists-' || n, 'list ' || i, 'AU', 'tiny', null, 1, 1, false
     from generate_series(1, ${accounts}) n, generate_series(1, ${VMS_PER_ACCOUNT}) i order by n, i`,
  );
  await executeSql(
    databaseUrl,
    `insert into vm_mapping (vm_id, name, internal_port, visibility)
     select id, name, port, 'PUBLIC' from vm, (values ('api', 8080), ('app', 3000)) as mapping (name, port)`,
  );
  await executeSql(databaseUrl, 'analyze');
  const { rows } = await executeSql(databaseUrl, `select distinct on (user_id) user_id, id from vm order by user_id`);
  const signed = (rows as { user_id: string; id: string }[]).map(async ({ user_id: userId, id }) => ({
    token: await signToken({ userId, plan: 'engineer', ttlSeconds: 36_000 }, { secret, audience: 'authenticated' }),
    vmId: id,
  }));
  return Promise.all(signed);
}
