import type { VmStatus } from './vm-status.ts';

/** One status on the way up. */
export interface BootStep {
  readonly status: VmStatus;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Null while the VM is in this status. */
  readonly seconds: number | null;
  /** From 1 on: how often the boot was tried by then. */
  readonly attempt: number;
}

/** The way of the last boot: from QUEUED over its attempts to RUNNING, or to FAILED when nothing is tried again. */
export interface VmBoot {
  /** Oldest first, never empty. */
  readonly steps: readonly BootStep[];
}

export interface StatusChange {
  readonly from: VmStatus;
  readonly to: VmStatus;
  /** By the database's clock, which all gateways share: a boot may pass from one to another. */
  readonly at: Date;
  /** Whether someone asked for it: what is then tried is a boot of its own. */
  readonly isAsked: boolean;
}

/** The newest: a VM that fails for days is tried again all the while. */
const MOST_STEPS = 40;

/** What a boot can lead to. Any other status ends it where it is. */
const ON_THE_WAY: ReadonlySet<VmStatus> = new Set(['QUEUED', 'PULLING', 'STARTING', 'BOOTING', 'RUNNING', 'FAILED', 'UNKNOWN']);

/** The boot after a change of the VM's status; null where there has been none. */
export function nextBoot(boot: VmBoot | null, { from, to, at, isAsked }: StatusChange): VmBoot | null {
  if (from === to) return boot;
  const steps = boot?.steps ?? [];
  const last = steps.at(-1);
  const isUnderWay = last !== undefined && last.seconds === null && last.status !== 'RUNNING';
  const enter = (attempt: number): BootStep => ({ status: to, startedAt: at.toISOString(), seconds: null, attempt });
  if (to === 'QUEUED' && (isAsked || !isUnderWay)) return { steps: [enter(1)] };
  if (last === undefined) return null;
  const ended = [...steps.slice(0, -1), last.seconds === null ? { ...last, seconds: secondsBetween(last.startedAt, at) } : last];
  if (!isUnderWay || !ON_THE_WAY.has(to)) return { steps: ended };
  const attempt = to === 'QUEUED' ? last.attempt + 1 : last.attempt;
  return { steps: [...ended, enter(attempt)].slice(-MOST_STEPS) };
}

function secondsBetween(from: string, to: Date): number {
  return (to.getTime() - Date.parse(from)) / 1_000;
}
