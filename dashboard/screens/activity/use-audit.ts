import { useCallback, useEffect, useState } from 'preact/hooks';
import { ask } from '../../api/ask.ts';
import { toProblem, type Problem } from '../../api/problem.ts';
import { Audit, type AuditEntry } from '../../api/queries.ts';

export interface AuditPages {
  readonly entries: readonly AuditEntry[] | undefined;
  readonly problem: Problem | undefined;
  /** Loads the next page, which is older; undefined at the end. */
  readonly older: (() => Promise<void>) | undefined;
}

/** The audit of the account, page by page, the newest first. */
export function useAudit(): AuditPages {
  const [entries, setEntries] = useState<readonly AuditEntry[]>();
  const [problem, setProblem] = useState<Problem>();
  const [next, setNext] = useState<string | null>(null);
  const load = useCallback(async (after: string | null) => {
    try {
      const { me } = await ask(Audit, { after });
      const { nodes, pageInfo } = me.audit;
      setEntries((before = []) => (after === null ? nodes : [...before, ...nodes]));
      setNext(pageInfo.hasNextPage ? pageInfo.endCursor : null);
      setProblem(undefined);
    } catch (error) {
      setProblem(toProblem(error));
    }
  }, []);
  useEffect(() => void load(null), [load]);
  return { entries, problem, older: next === null ? undefined : () => load(next) };
}
