import { ask } from '../../connection/ask.ts';
import { Audit, type AuditEntry } from '../../api/queries.ts';
import { usePages, type PagesState } from '../../loading/use-pages.ts';

interface AuditFilter {
  readonly vmId?: string | undefined;
  readonly action?: AuditEntry['action'] | undefined;
  /** Asked again when this changes. */
  readonly version?: string | undefined;
}

/** The audit of the account. */
export function useAudit({ vmId, action, version }: AuditFilter = {}): PagesState<AuditEntry> {
  const filter = { vmId: vmId ?? null, actions: action === undefined ? null : [action] };
  return usePages({
    key: JSON.stringify(filter),
    version,
    load: async (after, signal) => (await ask(Audit, { after, ...filter }, { signal })).me.audit,
    keyOf: ({ id }) => id,
  });
}
