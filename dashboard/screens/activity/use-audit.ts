import { useEffect, useState } from 'preact/hooks';
import { ask } from '../../api/ask.ts';
import { toProblem, type Problem } from '../../api/problem.ts';
import { Audit, type AuditEntry } from '../../api/queries.ts';

export interface AuditFilter {
  readonly vmId?: string | undefined;
  readonly action?: AuditEntry['action'] | undefined;
}

export interface AuditPages {
  readonly entries: readonly AuditEntry[] | undefined;
  readonly problem: Problem | undefined;
  /** Loads the next page, which is older; undefined at the end. */
  readonly older: (() => Promise<void>) | undefined;
}

/** The audit of the account, page by page, the newest first. */
export function useAudit({ vmId, action }: AuditFilter = {}): AuditPages {
  const [entries, setEntries] = useState<readonly AuditEntry[]>();
  const [problem, setProblem] = useState<Problem>();
  const [next, setNext] = useState<string | null>(null);
  const load = async (after: string | null, signal?: AbortSignal): Promise<void> => {
    const filter = { vmId: vmId ?? null, actions: action === undefined ? null : [action] };
    try {
      const { nodes, pageInfo } = (await ask(Audit, { after, ...filter }, { signal })).me.audit;
      setEntries((before = []) => (after === null ? nodes : [...before, ...nodes]));
      setNext(pageInfo.hasNextPage ? pageInfo.endCursor : null);
      setProblem(undefined);
    } catch (error) {
      if (signal?.aborted !== true) setProblem(toProblem(error));
    }
  };
  useEffect(() => {
    const ended = new AbortController();
    void load(null, ended.signal);
    return () => ended.abort();
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- for each filter
  }, [vmId, action]);
  return { entries, problem, older: next === null ? undefined : () => load(next) };
}
