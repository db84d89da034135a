import { ask } from '../../connection/ask.ts';
import { Problem } from '../../api/problem.ts';
import { VmHistory, type HistoryEvent } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { usePages, type PagesState } from '../../loading/use-pages.ts';
import { vmWords } from '../../words/vm.ts';

/** What has happened to a VM, the newest first. */
export function useHistory({ id, lastEventSeq }: Pick<Vm, 'id' | 'lastEventSeq'>): PagesState<HistoryEvent> {
  return usePages({
    key: id,
    version: lastEventSeq,
    async load(after, signal) {
      const { vm } = await ask(VmHistory, { id, after }, { signal });
      if (vm === null) throw new Problem('NOT_FOUND', vmWords.missing);
      return vm.events;
    },
    keyOf: ({ seq }) => seq,
  });
}
