import type { JSX } from 'preact';
import type { DeskData } from '../../api/desk.ts';
import { Preflight as Document } from '../../api/queries.ts';
import { createViolation, startViolations, type Size } from '../../account/preflight.ts';
import { useQuery } from '../../loading/use-query.ts';
import { createWords as words } from '../../words/create.ts';

/**
 * Why a start of a VM of this size would be refused now: what the API says, until its answer what the page knows.
 * `without` is the VM that gets this size, if there is one already.
 */
export function usePreflight({ plan, usage }: DeskData['me'], { cpu, ram }: Size, without?: string): readonly string[] {
  // The same size may fit once another VM is off.
  const { data } = useQuery(Document, { cpu, ram, without: without ?? null }, JSON.stringify([plan, usage]));
  if (data !== undefined) return data.me.violations.map(({ message }) => message);
  const tooMany = without === undefined ? createViolation(plan, usage) : undefined;
  return [...(tooMany === undefined ? [] : [tooMany]), ...startViolations(plan, usage, { cpu, ram })];
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
