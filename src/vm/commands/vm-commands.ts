import { sql } from 'kysely';
import type { Actor } from '../../audit/viewer.ts';
import { ApiError } from '../../errors.ts';
import { insertVm } from './insert-vm.ts';
import { createViolations, startViolations, storageSizeGb, type QuotaViolation } from '../limits.ts';
import type { VmUpdate } from '../store/vm-change.ts';
import {
  runCommand,
  runCreateCommand,
  done,
  refuseWhileDeleting,
  UNCHANGED,
  type CommandInput,
  type Outcome,
  type VmDependencies,
} from './vm-command.ts';
import { parseCreateVm, parseUpdateVm } from './vm-input.ts';
import { countVms } from '../store/vm-list.ts';
import { refuseInDrainedRegion } from '../restrictions/region-drain.ts';
import { refuseWhileSuspended } from '../restrictions/suspension.ts';
import { findVmByKey } from '../store/vm-store.ts';
import { readUsage } from '../read-usage.ts';
import type { Vm } from '../vm.ts';

/**
 * Creates a VM that is off. As every command it writes the desired state and returns the VM as committed; only the
 * reconciler acts on it. A repeated idempotency key returns the VM of the first call; CONFLICT if its input differed.
 * QUOTA_EXCEEDED when the account has as many VMs as its plan allows, ACCOUNT_SUSPENDED and REGION_DRAINED as a start.
 */
export async function createVm(deps: VmDependencies, actor: Actor, value: unknown): Promise<Vm> {
  const input = parseCreateVm(value, deps.catalog);
  const { idempotencyKey, ...rest } = input;
  const hash = idempotencyKey == null ? null : deps.secretBox.fingerprint(JSON.stringify(rest));
  return runCreateCommand(deps, actor, async (trx, { plan, suspension }) => {
    // The account's lock orders two calls with the same key: the second finds the VM of the first.
    const earlier = idempotencyKey == null ? undefined : await findVmByKey(trx, actor.userId, idempotencyKey);
    if (earlier !== undefined) return { id: earlierId(earlier, hash), outcome: UNCHANGED };
    refuseWhileSuspended(suspension);
    await refuseInDrainedRegion(trx, input.region);
    const tooMany = createViolations(plan, await countVms(trx, actor.userId));
    if (tooMany.length > 0) throw quotaError(tooMany);
    const id = await insertVm(trx, deps, actor.userId, input, {
      reason: 'USER',
      columns: {
        storage_gb: storageSizeGb(plan),
        idempotency_key: idempotencyKey ?? null,
        idempotency_hash: hash,
        // The reconciler creates the volumes of a persistent VM at once, though the VM is off.
        next_attempt_at: input.storageType === 'PERSISTENT' ? sql<Date>`now()` : null,
      },
    });
    const { region, distribution, desktop, cpu, ram, storageType } = input;
    return { id, outcome: done({ region, distribution, desktop, cpu, ram, storageType }) };
  });
}

/** The id of the VM that an earlier call with the same key created; CONFLICT when its input was different. */
function earlierId(earlier: { id: string; hash: string | null }, hash: string | null): string {
  if (earlier.hash !== hash) {
    throw new ApiError(
      'CONFLICT',
      `The idempotency key was used before, with other input, for the VM ${earlier.id}; use a new key.`,
    );
  }
  return earlier.id;
}

/** Renames the VM or changes its cpu and ram; CONFLICT for cpu or ram while it is on. */
export async function updateVm(deps: VmDependencies, actor: Actor, id: string, value: unknown): Promise<Vm> {
  const { vmlabel, cpu, ram } = parseUpdateVm(value);
  return runCommand(deps, actor, id, 'VM_UPDATED', ({ vm }) => {
    const resized = (cpu != null && cpu !== vm.cpu) || (ram != null && ram !== vm.ramGb);
    if (resized && vm.enabled)
      throw new ApiError('CONFLICT', 'cpu and ram can be changed while the VM is stopped; stop it first.');
    const renamed = vmlabel != null && vmlabel !== vm.vmlabel;
    if (!resized && !renamed) return UNCHANGED;
    const same = { ...(vmlabel != null && { vmlabel }), ...(cpu != null && { cpu }) };
    const set = { ...same, ...(ram != null && { ram_gb: ram }) };
    return done({ ...same, ...(ram != null && { ram }) }, { reason: 'USER', set });
  });
}

/**
 * Turns the VM on if the plan has room for it beside the account's other enabled VMs; otherwise QUOTA_EXCEEDED with
 * every violation, ACCOUNT_SUSPENDED or REGION_DRAINED with the operator's words. A VM that is already on is unchanged,
 * but a FAILED one is retried now.
 */
export async function startVm(deps: VmDependencies, actor: Actor, id: string): Promise<Vm> {
  return runCommand(deps, actor, id, 'VM_STARTED', (input) => turnOn(input));
}

async function turnOn(
  { trx, vm, plan, suspension }: CommandInput,
  more: VmUpdate = {},
): Promise<Outcome<'VM_STARTED'>> {
  refuseWhileDeleting(vm);
  if (vm.enabled && vm.status !== 'FAILED') return UNCHANGED;
  refuseWhileSuspended(suspension);
  await refuseInDrainedRegion(trx, vm.region);
  const violations = vm.enabled ? [] : startViolations(plan, await readUsage(trx, vm.userId, vm.id), vm);
  if (violations.length > 0) {
    return {
      kind: 'refused',
      error: quotaError(violations),
      dimensions: violations.map(({ dimension }) => dimension).join(' '),
    };
  }
  // At a start a volume grows to the size of the plan. It never shrinks.
  const set = {
    enabled: true,
    attempts: 0,
    last_failure: null,
    storage_gb: Math.max(vm.storageGb ?? 0, storageSizeGb(plan)),
  };
  return done({}, { status: 'QUEUED', reason: 'USER', desire: true, set: { ...set, ...more } });
}

function quotaError(violations: readonly QuotaViolation[]): ApiError {
  return new ApiError('QUOTA_EXCEEDED', violations.map(({ message }) => message).join(' '), { violations });
}

/** Turns the VM off, in any state. */
export async function stopVm(deps: VmDependencies, actor: Actor, id: string): Promise<Vm> {
  return runCommand(deps, actor, id, 'VM_STOPPED', ({ vm }) => {
    if (!vm.enabled) return UNCHANGED;
    const set = { enabled: false, attempts: 0 };
    return done({}, { status: 'STOPPING', reason: 'USER', desire: true, set });
  });
}

/**
 * Replaces the container by one of the current image (see `keptImage`) and keeps volumes. Turns on a VM that is off.
 */
export async function restartVm(deps: VmDependencies, actor: Actor, id: string): Promise<Vm> {
  return runCommand(deps, actor, id, 'VM_RESTARTED', (input) => {
    const { vm } = input;
    const incarnation = vm.incarnation + 1;
    if (!vm.enabled) return turnOn(input, { incarnation });
    const set = { incarnation, attempts: 0, last_failure: null };
    return done({}, { status: 'QUEUED', reason: 'USER', desire: true, set });
  });
}

/** Deletes the VM with all its data, in any state. Its last event is DELETED. */
export async function deleteVm(deps: VmDependencies, actor: Actor, id: string): Promise<string> {
  const vm = await runCommand(deps, actor, id, 'VM_DELETED', ({ vm: current }) => {
    if (current.deleting) return UNCHANGED;
    const set = { enabled: false, deleting: true };
    return done({}, { status: 'DELETING', reason: 'USER', desire: true, set });
  });
  return vm.id;
}
