import type { Viewer } from '../auth/viewer.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Plan } from '../catalog/plan.ts';
import type { Db, Trx } from '../db/database.ts';
import { ApiError } from '../errors.ts';
import type { SecretBox } from './secret-box.ts';
import { lockVm } from './vm-store.ts';
import type { Vm } from './vm.ts';

/** What every command needs; built once by the composition. */
export interface VmDependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly box: SecretBox;
}

/** Runs the change under the locks and answers with the VM as it is after it. */
export async function command(deps: VmDependencies, viewer: Viewer, id: string, change: (locked: LockedVm) => Promise<void>): Promise<Vm> {
  return withLockedVm(deps, viewer, id, async (locked) => {
    await change(locked);
    return reread(locked.trx, viewer, id);
  });
}

/** A VM that is on its way out takes no new desires. */
export function refuseWhileDeleting(vm: Vm): void {
  if (vm.deleting) throw new ApiError('CONFLICT', `The VM ${vm.id} is being deleted.`);
}

/** The VM as this transaction has made it. */
export async function reread(trx: Trx, viewer: Viewer, id: string): Promise<Vm> {
  const vm = await lockVm(trx, viewer.userId, id);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  return vm;
}

/** What a command works with: its transaction, the locked VM, and the account's plan. */
export interface LockedVm {
  readonly trx: Trx;
  readonly vm: Vm;
  readonly plan: Plan;
}

/**
 * Runs the command with the account and then the VM locked, in that order, always. NOT_FOUND, with nothing changed, when
 * the viewer has no such VM.
 */
async function withLockedVm<T>(
  { db, catalog }: VmDependencies,
  viewer: Viewer,
  vmId: string,
  run: (locked: LockedVm) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (trx) => {
    const account = await lockAccount(trx, viewer, catalog);
    const vm = account === undefined ? undefined : await lockVm(trx, viewer.userId, vmId);
    if (account === undefined || vm === undefined) throw new ApiError('NOT_FOUND');
    return run({ trx, vm, plan: account });
  });
}

async function lockAccount(trx: Trx, viewer: Viewer, catalog: Catalog): Promise<Plan | undefined> {
  const row = await trx
    .updateTable('account')
    .set((eb) => ({ plan: knownPlan(catalog, viewer.plan)?.code ?? eb.ref('plan') }))
    .where('user_id', '=', viewer.userId)
    .returning('plan')
    .executeTakeFirst();
  return row === undefined ? undefined : planOf(catalog, row.plan);
}

/** Makes the account at its first VM, and locks it; its plan. */
export async function openAccount(trx: Trx, viewer: Viewer, catalog: Catalog): Promise<Plan> {
  const plan = knownPlan(catalog, viewer.plan);
  const row = await trx
    .insertInto('account')
    .values({ user_id: viewer.userId, plan: (plan ?? catalog.defaultPlan).code })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet((eb) => ({ plan: plan === undefined ? eb.ref('account.plan') : plan.code })),
    )
    .returning('plan')
    .executeTakeFirstOrThrow();
  return planOf(catalog, row.plan);
}

function knownPlan(catalog: Catalog, code: string | undefined): Plan | undefined {
  return code === undefined ? undefined : catalog.plans.get(code);
}

/** The plan with that code; the default one where the catalog knows it no longer. */
export function planOf(catalog: Catalog, code: string | undefined): Plan {
  return knownPlan(catalog, code) ?? catalog.defaultPlan;
}
