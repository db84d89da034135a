/** How many iterations of a VM in a row ended by an outage or a fault. */
export interface Setback {
  readonly count: number;
  /** From the first of them to the last. */
  readonly seconds: number;
}

interface Entry {
  readonly generation: number;
  readonly count: number;
  readonly since: number;
  readonly at: number;
}

/** Longer than a try without an answer and the pause after it. A setback after more than that starts a new row. */
const FORGOTTEN_AFTER_MS = 5 * 60_000;

/** Counts setbacks in this gateway, apart from the VM's `attempts`, which count only its own failures. */
export class Setbacks {
  /** In the order of their last setbacks. */
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now = (): number => performance.now()) {
    this.#now = now;
  }

  /** Adds a setback. A new generation of the desire starts a new row. */
  note(vmId: string, generation: number): Setback {
    const at = this.#now();
    this.#forgetBefore(at - FORGOTTEN_AFTER_MS);
    const before = this.#entries.get(vmId);
    const { count, since } = before?.generation === generation ? before : { count: 0, since: at };
    this.#entries.delete(vmId);
    this.#entries.set(vmId, { generation, count: count + 1, since, at });
    return { count: count + 1, seconds: (at - since) / 1_000 };
  }

  /** Ends the row: an iteration succeeded. */
  clear(vmId: string): void {
    this.#entries.delete(vmId);
  }

  #forgetBefore(time: number): void {
    for (const [vmId, { at }] of this.#entries) {
      if (at >= time) return;
      this.#entries.delete(vmId);
    }
  }
}

const LONGEST_SECONDS = 8;

/** Seconds until the next try: 2, 4, 8, 8, … Short, yet the load on the engine hardly grows with the number of VMs. */
export function setbackSeconds({ count }: Setback): number {
  return Math.min(LONGEST_SECONDS, 2 ** Math.min(count, 10));
}

const BOOT_COUNT = 5;
const BOOT_SECONDS = 120;

/** Whether a boot has met nothing but setbacks for so long that it has failed: no boot lasts forever. */
export function isBootOver({ count, seconds }: Setback): boolean {
  return count >= BOOT_COUNT && seconds >= BOOT_SECONDS;
}
