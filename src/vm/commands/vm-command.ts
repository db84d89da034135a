import type { Span } from '@opentelemetry/api';
import type { Selectable } from 'kysely';
import type { Actor, Viewer } from '../../audit/viewer.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Plan } from '../../catalog/plan.ts';
import { runExclusive } from '../../db/account-queue.ts';
import type { Db, Trx } from '../../db/database.ts';
import type { AccountTable } from '../../db/tables.ts';
import { defineStatement, type Parameter } from '../../db/statement-template.ts';
import { runTransaction } from '../../db/transaction.ts';
import { inSpan } from '../../tracing.ts';
import { ApiError } from '../../errors.ts';
import type { AuditAction, AuditDetails } from '../../audit/audit.ts';
import { recordAction } from '../../audit/audit-store.ts';
import type { ForwardSettings } from '../networking/port-forward.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { toSuspension, type Suspension } from '../restrictions/suspension.ts';
import type { VmProperty } from '../vm-columns.ts';
import { findVm, lockVm } from '../vm-store.ts';
import type { Vm } from '../vm.ts';

export interface VmDependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly secretBox: SecretBox;
  readonly forward: ForwardSettings;
  /** What the VM of a command's result must have; by default everything. */
  readonly returned?: ReadonlySet<VmProperty>;
}

export interface LockedVm {
  readonly trx: Trx;
  readonly vm: Vm;
  readonly plan: Plan;
  readonly suspension: Suspension | undefined;
}

/**
 * The outcome of a command, which decides its audit row. `done`: a row with the details. `recorded`: none but those
 * that the command has written. `unchanged`: no row, all was already so. `refused`: a START_REFUSED row, then the
 * error.
 */
export type Outcome<A extends AuditAction> =
  | { readonly kind: 'done'; readonly details: AuditDetails[A] }
  | { readonly kind: 'recorded' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly error: ApiError; readonly dimensions: string };

export const RECORDED = { kind: 'recorded' } as const;
export const UNCHANGED = { kind: 'unchanged' } as const;

export function done<D>(details: D): { readonly kind: 'done'; readonly details: D } {
  return { kind: 'done', details };
}

/**
 * Runs the change with the account and then the VM locked, always in that order, and returns the VM after it. The audit
 * row commits with the change. NOT_FOUND when the actor has no such VM.
 */
export async function runCommand<A extends AuditAction>(
  { db, catalog, returned }: VmDependencies,
  actor: Actor,
  id: string,
  action: A,
  change: (locked: LockedVm) => Promise<Outcome<A>>,
): Promise<Vm> {
  const { vm, refusal } = await inAccount(db, actor, action, async (trx, span) => {
    span.setAttribute('swiftor.vm.id', id);
    const account = await lockAccount(trx, actor, catalog);
    const before = account === undefined ? undefined : await lockVm(trx, actor.userId, id);
    if (account === undefined || before === undefined) throw new ApiError('NOT_FOUND');
    const outcome = await change({ trx, vm: before, ...account });
    if (outcome.kind === 'done') await recordAction(trx, actor, before, action, outcome.details);
    if (outcome.kind === 'refused')
      await recordAction(trx, actor, before, 'START_REFUSED', { dimensions: outcome.dimensions });
    const vm = outcome.kind === 'unchanged' ? before : await reread(trx, actor, id, returned);
    return { vm, refusal: outcome.kind === 'refused' ? outcome.error : undefined };
  });
  // Thrown after the commit: the transaction would roll back the audit row.
  if (refusal !== undefined) throw refusal;
  return vm;
}

/** Runs `create` with the account locked, which is created if it does not exist. */
export async function runCreateCommand(
  { db, catalog }: VmDependencies,
  actor: Actor,
  create: (
    trx: Trx,
    account: LockedAccount,
  ) => Promise<{ id: string; outcome: Exclude<Outcome<'VM_CREATED'>, { kind: 'refused' }> }>,
): Promise<Vm> {
  return inAccount(db, actor, 'VM_CREATED', async (trx, span) => {
    const { id, outcome } = await create(trx, await openAccount(trx, actor, catalog));
    span.setAttribute('swiftor.vm.id', id);
    const vm = await reread(trx, actor, id);
    if (outcome.kind === 'done') await recordAction(trx, actor, vm, 'VM_CREATED', outcome.details);
    return vm;
  });
}

function inAccount<T>(
  db: Db,
  { userId }: Actor,
  action: AuditAction,
  run: (trx: Trx, span: Span) => Promise<T>,
): Promise<T> {
  return inSpan('vm.change', { attributes: { 'swiftor.action': action } }, (span) =>
    runExclusive(db, userId, () => runTransaction(db, (trx) => run(trx, span))),
  );
}

/** CONFLICT for a VM that is being deleted. */
export function refuseWhileDeleting(vm: Vm): void {
  if (vm.deleting) throw new ApiError('CONFLICT', `The VM ${vm.id} is being deleted.`);
}

/** Reads the VM as this transaction has changed it. */
async function reread(trx: Trx, { userId }: Viewer, id: string, properties?: ReadonlySet<VmProperty>): Promise<Vm> {
  const vm = await findVm(trx, userId, id, properties);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  return vm;
}

type LockedAccount = Pick<LockedVm, 'plan' | 'suspension'>;

const ACCOUNT_COLUMNS = ['plan', 'operator_plan', 'suspended_at', 'suspended_reason'] as const;

async function lockAccount(trx: Trx, viewer: Viewer, catalog: Catalog): Promise<LockedAccount | undefined> {
  const { userId } = viewer;
  const [row] = (await selectAccount(trx, { userId })).rows;
  const told = knownPlan(catalog, viewer.plan);
  if (row !== undefined && told !== undefined && told.code !== row.plan)
    await trx.updateTable('account').set({ plan: told.code }).where('user_id', '=', userId).execute();
  return row && toLocked(catalog, viewer, row);
}

/** Locks the row as an update of it would. */
const selectAccount = defineStatement((db, parameter: Parameter<{ userId: string }>) =>
  db.selectFrom('account').select(ACCOUNT_COLUMNS).where('user_id', '=', parameter('userId')).forNoKeyUpdate(),
);

/** Locks the account, which is created with its first VM. Returns its plan. */
async function openAccount(trx: Trx, viewer: Viewer, catalog: Catalog): Promise<LockedAccount> {
  const plan = knownPlan(catalog, viewer.plan);
  const row = await trx
    .insertInto('account')
    .values({ user_id: viewer.userId, plan: (plan ?? catalog.defaultPlan).code })
    .onConflict((conflict) =>
      conflict
        .column('user_id')
        .doUpdateSet((eb) => ({ plan: plan === undefined ? eb.ref('account.plan') : plan.code })),
    )
    .returning(ACCOUNT_COLUMNS)
    .executeTakeFirstOrThrow();
  return toLocked(catalog, viewer, row);
}

function toLocked(
  catalog: Catalog,
  { plan }: Pick<Viewer, 'plan'>,
  row: Pick<Selectable<AccountTable>, (typeof ACCOUNT_COLUMNS)[number]>,
): LockedAccount {
  return {
    plan: planOf(catalog, { byOperator: row.operator_plan, byToken: plan, own: row.plan }),
    suspension: toSuspension(row),
  };
}

function knownPlan(catalog: Catalog, code: string | null | undefined): Plan | undefined {
  return code == null ? undefined : catalog.plans.get(code);
}

/** The first of these plans that the catalog has: the operator's, the token's, the account's, the default one. */
export function planOf(
  catalog: Catalog,
  {
    byOperator,
    byToken,
    own,
  }: {
    readonly byOperator: string | null | undefined;
    readonly byToken: string | undefined;
    readonly own: string | null | undefined;
  },
): Plan {
  return (
    knownPlan(catalog, byOperator) ?? knownPlan(catalog, byToken) ?? knownPlan(catalog, own) ?? catalog.defaultPlan
  );
}
