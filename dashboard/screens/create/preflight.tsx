import type { JSX } from 'preact';
import type { DeskData } from '../../api/desk.ts';
import { createViolation, startViolations } from '../../live/preflight.ts';
import { createWords as words } from '../../words/create.ts';
import type { Draft } from './draft.ts';

/** Why a start of the VM would be refused now. */
export function preflightOf({ plan, usage }: DeskData['me'], draft: Draft): string[] {
  const tooMany = createViolation(plan, usage);
  return [...(tooMany === undefined ? [] : [tooMany]), ...startViolations(plan, usage, draft)];
}

export function Preflight({ violations }: { violations: readonly string[] }): JSX.Element {
  return (
    <div role="status">
      {violations.length > 0 && (
        <div class="notice warn">
          <p>{words.notNow}</p>
          <ul>
            {violations.map((violation) => (
              <li key={violation}>{violation}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
