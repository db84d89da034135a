import type { Selectable } from 'kysely';
import type { Trx } from './database.ts';
import type { AccountTable } from './tables.ts';

/** Locks the account's row, which is created with this plan if it does not exist. */
export async function openAccount(trx: Trx, userId: string, plan: string): Promise<Selectable<AccountTable>> {
  await trx
    .insertInto('account')
    .values({ user_id: userId, plan })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return trx.selectFrom('account').selectAll().where('user_id', '=', userId).forUpdate().executeTakeFirstOrThrow();
}
