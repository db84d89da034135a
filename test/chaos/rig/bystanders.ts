import type { ContainerFact, Facts } from '../checks/facts.ts';
import type { Violation } from '../checks/violation.ts';

/** The containers of VMs that run and that no operation and no fault is to end. */
export function findBystanders({ rows, containers }: Facts, ids: ReadonlySet<string>): readonly ContainerFact[] {
  const running = new Set(
    rows.filter(({ id, status }) => ids.has(id) && status === 'RUNNING').map(({ engineRef }) => engineRef),
  );
  return containers.filter(({ id }) => running.has(id));
}

/** Those that did not live through it. */
export function checkBystanders(
  before: readonly ContainerFact[],
  { containers }: Pick<Facts, 'containers'>,
): readonly Violation[] {
  const after = new Map(containers.map((container) => [container.id, container]));
  return before.flatMap(({ id, vmId, startedAt }): Violation[] => {
    const now = after.get(id);
    if (now === undefined)
      return [{ kind: 'restarted', what: `VM ${vmId} was healthy, and its container was replaced` }];
    return now.startedAt === startedAt
      ? []
      : [{ kind: 'restarted', what: `VM ${vmId} was healthy, and its container was restarted` }];
  });
}
