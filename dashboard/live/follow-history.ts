import { VmHistory, type HistoryEvent } from '../api/subscriptions.ts';
import { follow } from './follow.ts';

/** The gateway keeps 7 days; this is more than anybody reads. */
const MOST_EVENTS = 500;
const DRAW_WITHIN_MS = 50;

/** Calls back with the events of a VM, the newest first, until the signal aborts. */
export async function followHistory(
  vmId: string,
  onEvents: (events: readonly HistoryEvent[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let events: HistoryEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  await follow(VmHistory, {
    signal,
    variables: () => ({ vmId, after: events[0]?.seq ?? '0' }),
    onNext({ vmEvents: event }) {
      if (event.kind === 'PROGRESS' || event.kind === 'SNAPSHOT') return;
      events = [event, ...events].slice(0, MOST_EVENTS);
      timer ??= setTimeout(() => {
        timer = undefined;
        onEvents(events);
      }, DRAW_WITHIN_MS);
    },
  });
}
