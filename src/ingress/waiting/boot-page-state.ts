import type { VmProgress } from '../../events/vm-event.ts';
import type { Html } from '../../lib/html.ts';
import type { Vm } from '../../vm/vm.ts';

/** What the page depends on. Visitors see only whether the VM is starting; everything else is for its owner. */
export interface BootPageState {
  readonly vm: Pick<Vm, 'vmlabel' | 'status' | 'lastFailure' | 'attempts' | 'enabled'>;
  readonly isOwner: boolean;
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
