import type { Span } from '@opentelemetry/api';
import type { Actor, Viewer } from '../../audit/viewer.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { runExclusive } from '../../db/account-queue.ts';
import type { Db, Trx } from '../../db/database.ts';
import { runTransaction } from '../../db/transaction.ts';
import { returnEventSeq } from '../../events/append-event.ts';
import { inSpan } from '../../tracing.ts';
import { ApiError } from '../../errors.ts';
import type { AuditAction, AuditDetails } from '../../audit/audit.ts';
import { recordAction } from '../../audit/audit-store.ts';
import type { ForwardSettings } from '../networking/port-forward.ts';
import { lockAccount, openAccount, type LockedAccount } from './locked-account.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { changeVm, type VmChange } from '../store/vm-change.ts';
import { ALL_VM_PROPERTIES, type VmProperty } from '../store/vm-columns.ts';
import { findVm, lockVm, type Composed, type LockedVm } from '../store/vm-store.ts';
import type { Vm } from '../vm.ts';

export interface VmDependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly secretBox: SecretBox;
  readonly forward: ForwardSettings;
  /** What the VM of a command's result must have; by default everything. */
  readonly returned?: ReadonlySet<VmProperty>;
}

/** What a command decides on. */
export interface CommandInput<N extends Composed = never> extends LockedAccount {
  readonly trx: Trx;
  readonly vm: LockedVm<N>;
}

/**
 * The outcome of a command. `done`: the change of the VM, if it is one, and an audit row with the details. `recorded`:
 * the change, and no audit row but those that the command has written. `unchanged`: all was already so. `refused`: a
 * START_REFUSED row, then the error.
 */
export type Outcome<A extends AuditAction> =
  | { readonly kind: 'done'; readonly details: AuditDetails[A]; readonly change?: VmChange | undefined }
  | { readonly kind: 'recorded'; readonly change: VmChange }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly error: ApiError; readonly dimensions: string };

export const UNCHANGED = { kind: 'unchanged' } as const;

export function done<D>(details: D, change?: VmChange) {
  return { kind: 'done', details, change } as const;
}

export function recorded(change: VmChange) {
  return { kind: 'recorded', change } as const;
}

/**
 * Runs `decide` with the account and then the VM locked, always in that order, then makes the change, and returns the
 * VM after it. The audit row commits with the change. NOT_FOUND when the actor has no such VM. `needs`: what `decide`
 * reads of the VM beside the usual.
 */
export async function runCommand<A extends AuditAction, N extends Composed = never>(
  { db, catalog, returned = ALL_VM_PROPERTIES }: VmDependencies,
  actor: Actor,
  id: string,
  action: A,
  decide: (input: CommandInput<N>) => Promise<Outcome<A>> | Outcome<A>,
  needs: readonly N[] = [],
): Promise<Vm> {
  const { vm, refusal } = await inAccount(db, actor, action, async (trx, span) => {
    span.setAttribute('swiftor.vm.id', id);
    const account = await lockAccount(trx, actor, catalog);
    const before = account === undefined ? undefined : await lockVm(trx, actor.userId, id, needs);
    if (account === undefined || before === undefined) throw new ApiError('NOT_FOUND');
    const outcome = await decide({ trx, vm: before, ...account });
    const changed = await perform(trx, { actor, vm: before, action }, outcome, returned);
    const vm = changed ?? (await reread(trx, actor, id, returned));
    return { vm, refusal: outcome.kind === 'refused' ? outcome.error : undefined };
  });
  // Thrown after the commit: the transaction would roll back the audit row.
  if (refusal !== undefined) throw refusal;
  return vm;
}

/** Returns the VM if it was changed. */
async function perform<A extends AuditAction>(
  trx: Trx,
  of: { readonly actor: Actor; readonly vm: LockedVm; readonly action: A },
  outcome: Outcome<A>,
  returned: ReadonlySet<VmProperty>,
): Promise<Vm | undefined> {
  switch (outcome.kind) {
    case 'done': {
      const record = { ...of, details: outcome.details };
      if (outcome.change !== undefined) return changeVm(trx, of.vm, outcome.change, { returned, record });
      await recordAction(trx, record);
      return undefined;
    }
    case 'recorded':
      return changeVm(trx, of.vm, outcome.change, { returned });
    case 'refused':
      await recordAction(trx, { ...of, action: 'START_REFUSED', details: { dimensions: outcome.dimensions } });
      return undefined;
    case 'unchanged':
      return undefined;
  }
}

/** Runs `create` with the account locked, which is created if it does not exist. */
export async function runCreateCommand(
  { db, catalog }: VmDependencies,
  actor: Actor,
  create: (
    trx: Trx,
    account: LockedAccount,
  ) => Promise<{
    id: string;
    outcome: { readonly kind: 'done'; readonly details: AuditDetails['VM_CREATED'] } | typeof UNCHANGED;
  }>,
): Promise<Vm> {
  return inAccount(db, actor, 'VM_CREATED', async (trx, span) => {
    const { id, outcome } = await create(trx, await openAccount(trx, actor, catalog));
    span.setAttribute('swiftor.vm.id', id);
    const vm = await reread(trx, actor, id);
    if (outcome.kind === 'done') await recordAction(trx, { actor, vm, action: 'VM_CREATED', details: outcome.details });
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
    runExclusive(db, userId, () =>
      runTransaction(db, async (trx) => {
        const result = await run(trx, span);
        await returnEventSeq(trx, userId);
        return result;
      }),
    ),
  );
}

/** CONFLICT for a VM that is being deleted. */
export function refuseWhileDeleting(vm: Pick<Vm, 'id' | 'deleting'>): void {
  if (vm.deleting) throw new ApiError('CONFLICT', `The VM ${vm.id} is being deleted.`);
}

/** Reads the VM as this transaction has changed it. */
async function reread(trx: Trx, { userId }: Viewer, id: string, properties?: ReadonlySet<VmProperty>): Promise<Vm> {
  const vm = await findVm(trx, userId, id, properties);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  return vm;
}
