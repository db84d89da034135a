import type { Plan, Usage } from '../api/desk.ts';
import { words } from '../words/words.ts';

export interface Size {
  readonly cpu: number;
  readonly ram: number;
}

/** What a start of this size would exceed, in the sentences of the API. Without the usage of the VM itself. */
export function startViolations(plan: Plan, used: Usage, { cpu, ram }: Size): string[] {
  const checks = [
    { subject: 'cpu', limit: plan.cpu, used: used.cpu, more: cpu },
    { subject: 'ram', limit: plan.ram, used: used.ram, more: ram },
    { subject: 'storage', limit: plan.storageGb, used: used.storageGb, more: 0 },
    { subject: 'running', limit: plan.concurrentVms, used: used.concurrentVms, more: 1 },
  ] as const;
  return checks
    .filter(({ limit, used: inUse, more }) => inUse + more > limit)
    .map((check) => words.preflight(plan.name, check));
}

/** Why no further VM can be created, off or on. */
export function createViolation(plan: Plan, used: Usage): string | undefined {
  return used.vms + 1 > plan.vms
    ? words.preflight(plan.name, { subject: 'vms', limit: plan.vms, used: used.vms, more: 1 })
    : undefined;
}
