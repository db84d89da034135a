import { sql } from 'kysely';
import type { Viewer } from '../auth/viewer.ts';
import type { Trx } from '../db/database.ts';
import { ApiError } from '../errors.ts';
import { insertEvent, nextEventSeq } from '../events/append-event.ts';
import { startViolations, storageSizeGb } from './limits.ts';
import { changeVm } from './vm-change.ts';
import { command, openAccount, refuseWhileDeleting, reread, type LockedVm, type VmDependencies } from './vm-command.ts';
import { parseCreateVm, parseUpdateVm } from './vm-input.ts';
import { PASSWORD_KEY, writeSecret } from './vm-secrets.ts';
import { findVmByKey, readUsage } from './vm-store.ts';
import type { Vm } from './vm.ts';

/**
 * Commands write a desire and return; only the reconciler acts on it. Each resolves to the VM as it stands when the
 * transaction commits. NOT_FOUND for a VM that does not exist or is another account's.
 */
export async function createVm(deps: VmDependencies, viewer: Viewer, value: unknown): Promise<Vm> {
  const input = parseCreateVm(value, deps.catalog);
  const { idempotencyKey, ...rest } = input;
  const hash = idempotencyKey == null ? null : deps.box.fingerprint(JSON.stringify(rest));
  return deps.db.transaction().execute(async (trx) => {
    // The account's lock also orders two calls with the same key: the second finds the first one's VM.
    const plan = await openAccount(trx, viewer, deps.catalog);
    const earlier = idempotencyKey == null ? undefined : await findVmByKey(trx, viewer.userId, idempotencyKey);
    if (earlier !== undefined) return repeated(trx, viewer, earlier, hash);
    const seq = await nextEventSeq(trx, viewer.userId);
    const persistent = input.storageType === 'PERSISTENT';
    const { id } = await trx
      .insertInto('vm')
      .values({
        user_id: viewer.userId,
        vmlabel: input.vmlabel,
        region: input.region,
        distribution: input.distribution,
        desktop: input.desktop,
        cpu: input.cpu,
        ram_gb: input.ram,
        persistent,
        storage_gb: storageSizeGb(plan),
        last_event_seq: seq,
        idempotency_key: idempotencyKey ?? null,
        idempotency_hash: hash,
        // Persistent storage exists from the creation on: the reconciler makes the volumes of a VM that is off.
        next_attempt_at: persistent ? sql<Date>`now()` : null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await writeSecret(trx, deps.box, { vmId: id, key: PASSWORD_KEY, value: input.password });
    const event = {
      userId: viewer.userId,
      seq,
      vmId: id,
      kind: 'CREATED',
      status: 'STOPPED',
      previousStatus: undefined,
      reason: 'USER',
    } as const;
    await insertEvent(trx, event, { wakeReconciler: persistent });
    return reread(trx, viewer, id);
  });
}

async function repeated(trx: Trx, viewer: Viewer, earlier: { id: string; hash: string | null }, hash: string | null): Promise<Vm> {
  if (earlier.hash !== hash) {
    throw new ApiError('CONFLICT', `The idempotency key was used before, with other input, for the VM ${earlier.id}; use a new key.`);
  }
  return reread(trx, viewer, earlier.id);
}

/** Renames the VM, or gives it other specs while it is off; CONFLICT for specs while it is on. */
export async function updateVm(deps: VmDependencies, viewer: Viewer, id: string, value: unknown): Promise<Vm> {
  const { vmlabel, cpu, ram } = parseUpdateVm(value);
  return command(deps, viewer, id, async ({ trx, vm }) => {
    const resized = (cpu != null && cpu !== vm.cpu) || (ram != null && ram !== vm.ramGb);
    if (resized && vm.enabled) throw new ApiError('CONFLICT', 'cpu and ram can be changed while the VM is stopped; stop it first.');
    const renamed = vmlabel != null && vmlabel !== vm.vmlabel;
    if (!resized && !renamed) return;
    await changeVm(trx, vm, {
      reason: 'USER',
      set: { ...(vmlabel != null && { vmlabel }), ...(cpu != null && { cpu }), ...(ram != null && { ram_gb: ram }) },
    });
  });
}

/**
 * Turns the VM on if the plan has room for it beside the account's other enabled VMs; QUOTA_EXCEEDED with every
 * violation otherwise. Already on: nothing happens, except that one that failed is tried again now.
 */
export async function startVm(deps: VmDependencies, viewer: Viewer, id: string): Promise<Vm> {
  return command(deps, viewer, id, (locked) => turnOn(locked, viewer));
}

async function turnOn({ trx, vm, plan }: LockedVm, viewer: Viewer): Promise<void> {
  refuseWhileDeleting(vm);
  if (vm.enabled && vm.status !== 'FAILED') return;
  const violations = vm.enabled ? [] : startViolations(plan, await readUsage(trx, viewer.userId, vm.id), vm);
  if (violations.length > 0) {
    const message = violations.map((violation) => violation.message).join(' ');
    throw new ApiError('QUOTA_EXCEEDED', message, { violations });
  }
  // A volume grows with its plan, at a start; it never shrinks.
  const set = { enabled: true, attempts: 0, last_failure: null, storage_gb: Math.max(vm.storageGb ?? 0, storageSizeGb(plan)) };
  await changeVm(trx, vm, { status: 'QUEUED', reason: 'USER', desire: true, set });
}

/** Turns the VM off, in whatever state it is. */
export async function stopVm(deps: VmDependencies, viewer: Viewer, id: string): Promise<Vm> {
  return command(deps, viewer, id, async ({ trx, vm }) => {
    if (!vm.enabled) return;
    await changeVm(trx, vm, { status: 'STOPPING', reason: 'USER', desire: true, set: { enabled: false, attempts: 0 } });
  });
}

/** Replaces the container by a new one, volumes kept; a VM that is off is turned on. */
export async function restartVm(deps: VmDependencies, viewer: Viewer, id: string): Promise<Vm> {
  return command(deps, viewer, id, async (locked) => {
    const { trx, vm } = locked;
    if (!vm.enabled) return turnOn(locked, viewer);
    const set = { incarnation: vm.incarnation + 1, attempts: 0, last_failure: null };
    await changeVm(trx, vm, { status: 'QUEUED', reason: 'USER', desire: true, set });
  });
}

/** Deletes the VM with all it has, in whatever state it is. Its last event is DELETED. */
export async function deleteVm(deps: VmDependencies, viewer: Viewer, id: string): Promise<string> {
  const vm = await command(deps, viewer, id, async ({ trx, vm: current }) => {
    if (current.deleting) return;
    await changeVm(trx, current, { status: 'DELETING', reason: 'USER', desire: true, set: { enabled: false, deleting: true } });
  });
  return vm.id;
}
