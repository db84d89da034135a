import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { desk } from '../../account/desk.ts';
import { startViolations } from '../../account/preflight.ts';
import { ErrorBoundary } from '../../loading/error-boundary.tsx';
import { later } from '../../loading/later.tsx';
import { Popover } from '../../parts/popover.tsx';
import { words } from '../../words/words.ts';

const RefusalReasons = later(async () => (await import('./refusal-reasons.tsx')).RefusalReasons);

/** Whether the plan has no room for a start of this VM now. */
export function wouldExceed({ specs }: Pick<Vm, 'specs'>): boolean {
  const me = desk.value?.me;
  return me !== undefined && startViolations(me.plan, me.usage, specs).length > 0;
}

/** The button of a start that would be refused: it says why, and offers room. */
export function Refusal({ vm, class: className }: { vm: Vm; class: string }): JSX.Element {
  return (
    <Popover label={`${words.command.start}: ${vm.vmlabel}`} class={className} button={words.command.start}>
      {() => (
        <ErrorBoundary>
          <RefusalReasons vm={vm} />
        </ErrorBoundary>
      )}
    </Popover>
  );
}
