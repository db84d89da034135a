import type { VmProgress } from '../../events/vm-event.ts';
import type { Html } from '../../lib/html.ts';
import type { Vm } from '../../vm/vm.ts';

/**
 * Whom the page is for: the VM's owner, somebody whom it is shared with, or a visitor of a PUBLIC mapping. Only the
 * owner sees more than whether it is starting.
 */
export type Audience = 'owner' | 'guest' | 'visitor';

/** What the page depends on. */
export interface BootPageState {
  readonly vm: Pick<Vm, 'vmlabel' | 'status' | 'lastFailure' | 'attempts' | 'enabled'>;
  readonly audience: Audience;
  /** The name of the VM's distribution. */
  readonly kind: string;
  readonly progress: VmProgress | undefined;
  /** Why startVm would be refused now, one sentence each. */
  readonly violations: readonly string[];
  /** The action of the start button's form. */
  readonly startPath: string;
}

/** The variable parts of the page. */
export interface Content {
  /** While it stays the same, the script replaces only parts of the page. */
  readonly name: string;
  readonly status: string;
  readonly detail?: string | undefined;
  /** The progress bar: a percentage, or `unknown` for an indeterminate one. */
  readonly bar?: number | 'unknown' | undefined;
  readonly more?: Html | undefined;
}
