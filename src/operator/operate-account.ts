import { recordAccountAction } from '../audit/audit-store.ts';
import type { Actor } from '../audit/viewer.ts';
import { isUserId } from '../auth/jwt.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { runExclusive } from '../db/account-queue.ts';
import type { Db, Trx } from '../db/database.ts';
import { openAccount } from '../db/open-account.ts';
import { runTransaction } from '../db/transaction.ts';
import { ApiError, badInput } from '../errors.ts';
import { lockVm } from '../vm/store/vm-store.ts';
import { findOperatedAccount, type OperatedAccount } from './operated-account.ts';
import { turnOff } from './operate-vm.ts';
import { parseReason } from './require-operator.ts';

interface Dependencies {
  readonly db: Db;
  readonly catalog: Catalog;
}

/**
 * Sets the account's plan, which then counts before that of its tokens; null leaves it to them again. What is on stays
 * on. Like the other commands it creates the account of a user who has none yet.
 */
export async function setAccountPlan(
  deps: Dependencies,
  operator: Actor,
  userId: string,
  plan: string | null,
): Promise<OperatedAccount> {
  if (plan !== null && !deps.catalog.plans.has(plan))
    throw badInput([{ path: 'plan', message: `must be one of ${[...deps.catalog.plans.keys()].join(', ')}.` }]);
  return changeAccount(deps, userId, async (trx, before) => {
    if (before.operator_plan === plan) return;
    await trx.updateTable('account').set({ operator_plan: plan }).where('user_id', '=', userId).execute();
    await recordAccountAction(trx, operator, userId, 'PLAN_SET', { plan });
  });
}

/** Refuses the starts of the account from now on, and turns its VMs off. Its tokens go on reading. */
export async function suspendAccount(
  deps: Dependencies,
  operator: Actor,
  userId: string,
  text: string,
): Promise<OperatedAccount> {
  const reason = parseReason(text);
  return changeAccount(deps, userId, async (trx, before) => {
    if (before.suspended_reason === reason) return;
    await trx
      .updateTable('account')
      .set((eb) => ({ suspended_at: eb.fn.coalesce('suspended_at', eb.fn<Date>('now')), suspended_reason: reason }))
      .where('user_id', '=', userId)
      .execute();
    // Under the account's lock: no start comes between, and after it they are refused.
    const enabled = await trx
      .selectFrom('vm')
      .select('id')
      .where('user_id', '=', userId)
      .where('enabled', '=', true)
      .orderBy('id')
      .execute();
    for (const { id } of enabled) {
      const vm = await lockVm(trx, userId, id);
      if (vm !== undefined) await turnOff(trx, vm, reason);
    }
    await recordAccountAction(trx, operator, userId, 'ACCOUNT_SUSPENDED', { reason, stopped: enabled.length });
  });
}

/** Accepts the starts of the account again. Its VMs stay off until they are started. */
export async function resumeAccount(deps: Dependencies, operator: Actor, userId: string): Promise<OperatedAccount> {
  return changeAccount(deps, userId, async (trx, before) => {
    if (before.suspended_reason === null) return;
    const none = { suspended_at: null, suspended_reason: null };
    await trx.updateTable('account').set(none).where('user_id', '=', userId).execute();
    await recordAccountAction(trx, operator, userId, 'ACCOUNT_RESUMED', {});
  });
}

interface AccountBefore {
  readonly operator_plan: string | null;
  readonly suspended_reason: string | null;
}

async function changeAccount(
  { db, catalog }: Dependencies,
  userId: string,
  change: (trx: Trx, before: AccountBefore) => Promise<void>,
): Promise<OperatedAccount> {
  if (!isUserId(userId))
    throw badInput([{ path: 'userId', message: 'must have 1 to 255 printable ASCII characters, without spaces.' }]);
  await runExclusive(db, userId, () =>
    runTransaction(db, async (trx) => {
      await change(trx, await openAccount(trx, userId, catalog.defaultPlan.code));
    }),
  );
  const account = await findOperatedAccount(db, userId);
  if (account === undefined) throw new ApiError('NOT_FOUND');
  return account;
}
