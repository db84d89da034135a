import type { Answer } from '../rig/api-client.ts';
import type { ForgottenVm } from './check-facts.ts';
import { applyOperation, expectAsShown, sure, type ExpectedVm, type Outcome } from './expected-vm.ts';
import type { Facts } from './facts.ts';
import type { Operation } from '../workload/operations.ts';
import type { Violation } from './violation.ts';

/** What was asked and answered so far, and what must be true for it. */
export class History {
  readonly vms = new Map<string, ExpectedVm>();
  /** Of creations without an answer. */
  readonly unsureLabels = new Set<string>();
  readonly forgotten: ForgottenVm[] = [];
  /** VMs whose data a fault took. */
  readonly robbed = new Set<string>();
  readonly violations: Violation[] = [];
  /** Milliseconds of each read that was answered. */
  readonly readTimes: number[] = [];
  acknowledged = 0;

  found(kind: Violation['kind'], what: string): void {
    // A thousand times the same is one finding.
    if (!this.violations.some((each) => each.kind === kind && each.what === what)) this.violations.push({ kind, what });
  }

  /** `isHit`: a fault kept the gateway from answering. */
  note(userId: string, operation: Operation, answer: Answer, isHit: boolean): void {
    const vm = 'vmId' in operation ? this.vms.get(operation.vmId) : undefined;
    const outcome: Outcome = answer.kind === 'done' || answer.kind === 'refused' ? answer.kind : 'unsure';
    if (answer.kind === 'wrong' || (answer.kind === 'silent' && !isHit))
      this.found('answer', `${operation.kind}: ${answer.why}`);
    if (answer.kind === 'done') this.acknowledged += 1;
    const isSurelyThere = vm?.exists.value === true && vm.exists.unsure.length === 0;
    const isOfTheVm = !['deleteSecret', 'removeSubdomain'].includes(operation.kind);
    if (answer.kind === 'refused' && answer.code === 'NOT_FOUND' && isSurelyThere && isOfTheVm) {
      this.found('lost', `${operation.kind} on the VM ${vm.id} was answered with NOT_FOUND`);
    }
    if (operation.kind === 'create') {
      if (answer.kind === 'done') this.#create(userId, operation, idOf(answer.data));
      if (outcome === 'unsure') this.unsureLabels.add(operation.label);
    }
    if (vm !== undefined) this.vms.set(vm.id, applyOperation(vm, operation, outcome));
  }

  /** From now on what is shown is what was promised. */
  settle({ shown }: Pick<Facts, 'shown'>): void {
    const bystanders = new Set([...this.vms.values()].filter(({ isBystander }) => isBystander).map(({ id }) => id));
    this.vms.clear();
    this.unsureLabels.clear();
    for (const vm of shown) this.vms.set(vm.id, expectAsShown(vm, bystanders.has(vm.id)));
  }

  #create(userId: string, { label, persistent }: Extract<Operation, { kind: 'create' }>, id: string): void {
    const fresh = {
      exists: sure(true),
      enabled: sure(false),
      label: sure(label),
      secrets: new Map(),
      names: new Map(),
    };
    this.vms.set(id, { id, userId, persistent, isBystander: false, ...fresh });
  }
}

/** Of either API's answer to a creation. */
export function idOf(data: unknown): string {
  const { createVm, vm } = data as { createVm?: { id: string }; vm?: { id: string } };
  return createVm?.id ?? vm?.id ?? '';
}
