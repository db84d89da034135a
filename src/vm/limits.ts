import type { Plan } from '../catalog/plan.ts';

export const QUOTA_DIMENSIONS = ['CPU', 'RAM', 'STORAGE', 'CONCURRENT_VMS', 'VMS'] as const;
export type QuotaDimension = (typeof QUOTA_DIMENSIONS)[number];

/** What an account uses: cpu, ram and count of its enabled VMs, storage of all its persistent volumes. */
export interface Usage {
  readonly cpu: number;
  readonly ram: number;
  readonly storageGb: number;
  readonly concurrentVms: number;
  /** All VMs, running or stopped. */
  readonly vms: number;
}

export interface QuotaViolation {
  readonly dimension: QuotaDimension;
  readonly limit: number;
  readonly used: number;
  readonly requested: number;
  readonly unit: string;
  readonly message: string;
}

export interface StartRequest {
  readonly cpu: number;
  readonly ramGb: number;
}

/**
 * The size of each lasting volume of a VM, in GB: the plan's whole storage, because its limit is on what all volumes
 * hold together. At least 1, because a plan without storage allows VMs, too.
 */
export function storageSizeGb(plan: Plan): number {
  return Math.max(1, plan.storageGb);
}

/** Every limit of the plan that starting this VM would exceed, given what is already used. */
export function startViolations(plan: Plan, used: Usage, { cpu, ramGb }: StartRequest): QuotaViolation[] {
  return violationsOf(plan, [
    { dimension: 'CPU', limit: plan.cpu, used: used.cpu, requested: cpu, unit: 'vCPU' },
    { dimension: 'RAM', limit: plan.ram, used: used.ram, requested: ramGb, unit: 'GB' },
    { dimension: 'STORAGE', limit: plan.storageGb, used: used.storageGb, requested: 0, unit: 'GB' },
    { dimension: 'CONCURRENT_VMS', limit: plan.concurrentVms, used: used.concurrentVms, requested: 1, unit: 'VMs' },
  ]);
}

/** The limits that another VM would exceed. Only the number of VMs limits those that are off. */
export function createViolations(plan: Plan, vms: number): QuotaViolation[] {
  return violationsOf(plan, [{ dimension: 'VMS', limit: plan.vms, used: vms, requested: 1, unit: 'VMs' }]);
}

type Check = Omit<QuotaViolation, 'message'>;

function violationsOf(plan: Plan, checks: readonly Check[]): QuotaViolation[] {
  return checks
    .filter(({ limit, used: inUse, requested }) => inUse + requested > limit)
    .map((violation) => ({ ...violation, message: sentence(plan, violation) }));
}

const SUBJECTS: Readonly<Record<QuotaDimension, string>> = {
  CPU: 'CPU',
  RAM: 'memory',
  STORAGE: 'storage',
  CONCURRENT_VMS: 'running VMs',
  VMS: 'VMs, on or off',
};

function sentence(plan: Plan, { dimension, limit, used, requested, unit }: Check): string {
  const need =
    requested === 0 ? `${round(used)} ${unit} are in use` : `${round(used)} in use and ${round(requested)} more needed`;
  return `The plan ${plan.name} allows ${limit} ${unit} of ${SUBJECTS[dimension]}: ${need}.`.replace(
    /VMs of (running )?VMs/,
    '$1VMs',
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
