import type { Vm, VmStatus } from '../api/vm-fields.ts';
import type { Failing } from '../words/status.ts';

/** What screens conclude from a VM. Pure. */

/** Whether the app can be opened now. */
export function isUp({ status }: Pick<Vm, 'status'>): boolean {
  return status === 'RUNNING' || status === 'DEGRADED';
}

export function isGoing({ status }: Pick<Vm, 'status'>): boolean {
  return status === 'DELETING' || status === 'DELETED';
}

export function needsAttention({ status, changeUndone }: Pick<Vm, 'status' | 'changeUndone'>): boolean {
  return status === 'FAILED' || status === 'DEGRADED' || status === 'UNKNOWN' || changeUndone;
}

const FAILING: Partial<Record<VmStatus, Failing>> = {
  RUNNING: 'run',
  DEGRADED: 'run',
  UNKNOWN: 'run',
  STOPPING: 'stop',
};

/** By the status before the failure; null if that is not known. */
export function failingIn(status: VmStatus | null): Failing {
  return (status === null ? undefined : FAILING[status]) ?? 'start';
}

/** What has failed last. */
export function failingOf({ lastFailure }: Pick<Vm, 'lastFailure'>): Failing {
  return failingIn(lastFailure?.step ?? null);
}

type PrimaryCommand = 'open' | 'start' | 'tryNow';

/** The one command that makes sense now; undefined while the VM is on its way, and if a start cannot help. */
export function primaryCommandOf({
  status,
  lastFailure,
}: Pick<Vm, 'status' | 'lastFailure'>): PrimaryCommand | undefined {
  if (status === 'RUNNING' || status === 'DEGRADED' || status === 'UNKNOWN') return 'open';
  if (status === 'STOPPED') return 'start';
  return status === 'FAILED' && !hasLostData({ status, lastFailure }) ? 'tryNow' : undefined;
}

/** Its data is gone. The gateway starts it again once the operator has restored a copy. */
export function hasLostData({ status, lastFailure }: Pick<Vm, 'status' | 'lastFailure'>): boolean {
  return status === 'FAILED' && lastFailure?.code === 'DATA_LOST';
}

/** The number of the present attempt of a boot. */
export function attemptOf({ boot }: Pick<Vm, 'boot'>): number {
  return boot?.steps.at(-1)?.attempt ?? 1;
}

/** "Debian · XFCE" */
export function osName({ os }: Pick<Vm, 'os'>, names: ReadonlyMap<string, string>): string {
  const name = names.get(os.distribution) ?? os.distribution;
  return os.desktop === null ? name : `${name} · ${desktopName(os.desktop)}`;
}

const DESKTOPS: Readonly<Record<string, string>> = { xfce: 'XFCE', kde: 'KDE', mate: 'MATE', i3: 'i3' };

export function desktopName(desktop: string): string {
  return DESKTOPS[desktop] ?? desktop;
}
