import type { Observation } from '../../engine/machine.ts';

/** Whether the container was replaced, moved or ended since. */
export function hasChanged(before: Observation, now: Observation | undefined): boolean {
  if (now?.ref !== before.ref || now.state !== before.state) return true;
  return now.address !== before.address || now.node !== before.node;
}
