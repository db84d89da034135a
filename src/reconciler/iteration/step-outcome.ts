import type { Observation } from '../../engine/machine.ts';
import type { CheckedApp } from './checked-app.ts';

/**
 * How a step ended. `next`: perform the next step. `again`: observe and plan again. `done`: release the VM until
 * `nextInSeconds` or, without it, until an event. `app`: what is asked from now on without a lease, instead.
 */
export type StepOutcome =
  | { readonly kind: 'next'; readonly observed?: Observation }
  | { readonly kind: 'again' }
  | { readonly kind: 'done'; readonly nextInSeconds?: number; readonly app?: CheckedApp };

export const NEXT: StepOutcome = { kind: 'next' };
export const AGAIN: StepOutcome = { kind: 'again' };
