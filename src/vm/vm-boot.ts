import type { VmStatus } from './vm-status.ts';

/** One status of a boot. */
export interface BootStep {
  readonly status: VmStatus;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Null while the VM is in this status. */
  readonly seconds: number | null;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
}

/** The last boot: from QUEUED through all its attempts to RUNNING, or to a FAILED that is not retried. */
export interface VmBoot {
  /** Oldest first, never empty. */
  readonly steps: readonly BootStep[];
}

export interface StatusChange {
  readonly from: VmStatus;
  readonly to: VmStatus;
  /** By the database's clock, because a boot may move from one gateway to another. */
  readonly at: Date;
  /** Whether a user caused the change: QUEUED then begins a new boot. */
  readonly isAsked: boolean;
}

/** Only the newest steps are kept: a VM may fail and be retried for days. */
const MAX_STEPS = 40;

/** The statuses of a boot. Any other status ends it. */
const BOOT_STATUSES: ReadonlySet<VmStatus> = new Set([
  'QUEUED',
  'PULLING',
  'STARTING',
  'BOOTING',
  'RUNNING',
  'FAILED',
  'UNKNOWN',
]);

/** The boot after a change of the VM's status; null before the first one. */
export function nextBoot(boot: VmBoot | null, { from, to, at, isAsked }: StatusChange): VmBoot | null {
  if (from === to) return boot;
  const steps = boot?.steps ?? [];
  const last = steps.at(-1);
  const isUnderWay = last !== undefined && last.seconds === null && last.status !== 'RUNNING';
  const enter = (attempt: number): BootStep => ({ status: to, startedAt: at.toISOString(), seconds: null, attempt });
  if (to === 'QUEUED' && (isAsked || !isUnderWay)) return { steps: [enter(1)] };
  if (last === undefined) return null;
  const ended = [
    ...steps.slice(0, -1),
    last.seconds === null ? { ...last, seconds: secondsBetween(last.startedAt, at) } : last,
  ];
  if (!isUnderWay || !BOOT_STATUSES.has(to)) return { steps: ended };
  const attempt = to === 'QUEUED' ? last.attempt + 1 : last.attempt;
  return { steps: [...ended, enter(attempt)].slice(-MAX_STEPS) };
}

function secondsBetween(from: string, to: Date): number {
  return (to.getTime() - Date.parse(from)) / 1_000;
}
