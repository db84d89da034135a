import type { InspectedContainer } from './observe-container.ts';

/** A container that ends so soon after its memory ran out ended of that. */
const SOON_MILLISECONDS = 10_000;
/** A quick app may run out of memory before the engine notes that it has started it. */
const START_SLACK_MILLISECONDS = 1_000;
/** Far more than can end at once; the oldest go first. */
const KEPT = 1_000;

/**
 * When containers last ran out of memory, from the engine's events. An inspect alone misses it when the kernel killed a
 * child and the app then ended by itself, and now and then when several containers run out at once. What neither knows
 * is a container that ran out in its first milliseconds, before the engine watched its memory: measured on a busy host,
 * 5 of 300, with no event for anybody.
 */
export class RecentOoms {
  readonly #at = new Map<string, number>();

  /** `at`: milliseconds since the epoch, by the engine's clock. */
  note(ref: string, at: number): void {
    // Re-inserted, so that the map's order is the order of age.
    this.#at.delete(ref);
    this.#at.set(ref, at);
    const [oldest] = this.#at.keys();
    if (this.#at.size > KEPT && oldest !== undefined) this.#at.delete(oldest);
  }

  /** Whether the container has ended, and shortly before, in the same run, had run out of memory. */
  explains({ Id, State }: InspectedContainer): boolean {
    const at = this.#at.get(Id);
    if (at === undefined || State.Running === true || State.FinishedAt === undefined || State.StartedAt === undefined)
      return false;
    const inThisRun = at >= Date.parse(State.StartedAt) - START_SLACK_MILLISECONDS;
    return inThisRun && Date.parse(State.FinishedAt) - at <= SOON_MILLISECONDS;
  }
}
