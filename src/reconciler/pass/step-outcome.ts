import type { Observation } from '../../engine/machine.ts';

/**
 * What a step ends with: on to the next one, plan anew with a fresh look, or let go of the VM. `nextInSeconds` is when to
 * look again by itself; without it, only when something happens.
 */
export type StepOutcome =
  | { readonly kind: 'next'; readonly observed?: Observation }
  | { readonly kind: 'again' }
  | { readonly kind: 'done'; readonly nextInSeconds?: number };
