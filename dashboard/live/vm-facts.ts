import type { Vm, VmStatus } from '../api/vm-fields.ts';

/** What screens conclude from a VM. Pure. */

const BOOTING: ReadonlySet<VmStatus> = new Set(['QUEUED', 'PULLING', 'STARTING', 'BOOTING']);

export function isBooting({ status }: Pick<Vm, 'status'>): boolean {
  return BOOTING.has(status);
}

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

/** Whether the app had run before it failed. */
export function hadRun({ lastFailure }: Pick<Vm, 'lastFailure'>): boolean {
  return lastFailure !== null && !BOOTING.has(lastFailure.step);
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
