import type { InspectedContainer } from '../containers/observe-container.ts';

/** A container that ends within this time after it ran out of memory ended because of that. */
const SOON_MILLISECONDS = 10_000;
/** An app may run out of memory before the engine records its start. */
const START_SLACK_MILLISECONDS = 1_000;
/** Far more containers than end at once. The oldest are dropped. */
const MAX_KEPT = 1_000;

/**
 * When containers last ran out of memory, from the engine's events. An inspect alone misses it if the kernel killed a
 * child and the app then exited, and sometimes if several containers run out at once. Neither detects a container that
 * runs out in its first milliseconds, before the engine watches its memory: 5 of 300 on a busy host.
 */
export class RecentOoms {
  readonly #at = new Map<string, number>();

  /** `at`: milliseconds since the epoch, by the engine's clock. */
  note(ref: string, at: number): void {
    // Deleted first, to keep the map in the order of age.
    this.#at.delete(ref);
    this.#at.set(ref, at);
    const [oldest] = this.#at.keys();
    if (this.#at.size > MAX_KEPT && oldest !== undefined) this.#at.delete(oldest);
  }

  /** Whether the container ended shortly after it ran out of memory in the same run. */
  explains({ Id, State }: InspectedContainer): boolean {
    const at = this.#at.get(Id);
    if (at === undefined || State.Running === true || State.FinishedAt === undefined || State.StartedAt === undefined)
      return false;
    const inThisRun = at >= Date.parse(State.StartedAt) - START_SLACK_MILLISECONDS;
    return inThisRun && Date.parse(State.FinishedAt) - at <= SOON_MILLISECONDS;
  }
}
