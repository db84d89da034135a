import { VmEvents, type VmEvent } from '../api/vm-events.ts';
import { countVms } from './count-vms.ts';
import { follow } from './follow.ts';
import { setLive } from './link-state.ts';
import { applyEvents, beginSnapshots, endSnapshots, hasAll } from './vm-store.ts';
import { publish, vmState } from './vms.ts';

/** Drawn at latest after this, also in a window that nobody sees. */
const DRAW_WITHIN_MS = 50;

/**
 * Keeps the VMs on the screen as the event stream says, until the signal aborts. `countAtStart` is their number, if the
 * page learns it anyway when it opens.
 */
export async function followVms(signal: AbortSignal, countAtStart?: Promise<number | undefined>): Promise<void> {
  let state = vmState();
  let undrawn: VmEvent[] = [];
  let isDue = false;
  /** How many snapshots the present stream begins with; undefined while that is not known. */
  let expected: number | undefined;
  let firstCount = countAtStart;
  let counting: AbortController | undefined;

  const draw = (): void => {
    if (!isDue) return;
    isDue = false;
    if (!state.isComplete && expected !== undefined && hasAll(state, expected)) {
      state = endSnapshots(state);
      counting?.abort();
    }
    const events = undrawn;
    undrawn = [];
    publish(state, events);
  };
  const schedule = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
    setTimeout(draw, DRAW_WITHIN_MS);
  };
  /** Until as many VMs are there: some may come and go between the snapshots and the count. */
  const count = (): void => {
    counting?.abort();
    counting = new AbortController();
    expected = undefined;
    const given = firstCount;
    firstCount = undefined;
    void countVms({
      given,
      signal: AbortSignal.any([signal, counting.signal]),
      onCount(answer) {
        expected = answer;
        schedule();
      },
    });
  };

  await follow(VmEvents, {
    signal,
    onLive: setLive,
    variables() {
      // Without all snapshots there is no cursor to resume from.
      if (!state.isComplete) {
        state = beginSnapshots(state);
        count();
      }
      return { after: state.seq === undefined ? null : String(state.seq) };
    },
    onNext({ vmEvents: event }, isFirst) {
      const wasComplete = state.isComplete;
      try {
        state = applyEvents(state, [event], { isFirst });
      } catch (error) {
        // A gap: the next attempt starts over.
        state = beginSnapshots(state);
        throw error;
      }
      if (wasComplete && !state.isComplete) count();
      undrawn.push(event);
      schedule();
    },
  });
}
