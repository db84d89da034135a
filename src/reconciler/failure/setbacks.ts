/** How many passes of a VM in a row were ended by an outage or a fault, and since when. */
export interface Setback {
  readonly count: number;
  /** From the first of them to the last. */
  readonly seconds: number;
}

/** Counts them in this gateway: on a clock of its own, so that the VM's `attempts` count nothing but its own failures. */
export interface Setbacks {
  /** One more, while that generation of its desire was followed. */
  note(vmId: string, generation: number): Setback;
  /** A pass came through. */
  clear(vmId: string): void;
}

interface Entry {
  readonly generation: number;
  readonly count: number;
  readonly since: number;
  readonly at: number;
}

/** Longer than a try takes that gets no answer, with the wait after it: what comes later is not the same trouble. */
const FORGOTTEN_AFTER_MS = 5 * 60_000;

export function createSetbacks(now = (): number => performance.now()): Setbacks {
  // In the order of their last entries.
  const entries = new Map<string, Entry>();
  const forgetOld = (before: number): void => {
    for (const [vmId, { at }] of entries) {
      if (at >= before) return;
      entries.delete(vmId);
    }
  };
  return {
    note(vmId, generation) {
      const at = now();
      forgetOld(at - FORGOTTEN_AFTER_MS);
      const before = entries.get(vmId);
      const { count, since } = before?.generation === generation ? before : { count: 0, since: at };
      entries.delete(vmId);
      entries.set(vmId, { generation, count: count + 1, since, at });
      return { count: count + 1, seconds: (at - since) / 1_000 };
    },
    clear: (vmId) => void entries.delete(vmId),
  };
}

const LONGEST_SECONDS = 8;

/** Seconds until the next try: 2, 4, 8, 8 …: what an engine is asked does not grow with the number of its VMs for long. */
export function setbackSeconds({ count }: Setback): number {
  return Math.min(LONGEST_SECONDS, 2 ** Math.min(count, 10));
}

const BOOT_COUNT = 5;
const BOOT_SECONDS = 120;

/** Whether a boot has met nothing else for so long that it has failed: no status on the way up lasts for ever. */
export function isBootOver({ count, seconds }: Setback): boolean {
  return count >= BOOT_COUNT && seconds >= BOOT_SECONDS;
}
