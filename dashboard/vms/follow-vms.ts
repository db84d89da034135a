import { VmEvents, type VmEvent } from '../api/vm-events.ts';
import { follow } from '../connection/follow.ts';
import { setLive } from '../connection/link-state.ts';
import { applyEvents, beginSnapshots } from './vm-store.ts';
import { publish, vmState } from './vms.ts';

/** Drawn at latest after this, also in a window that nobody sees. */
const DRAW_WITHIN_MS = 50;

/** Keeps the VMs on the screen as the event stream says, until the signal aborts. */
export async function followVms(signal: AbortSignal): Promise<void> {
  let state = vmState();
  let undrawn: VmEvent[] = [];
  let isDue = false;

  const draw = (): void => {
    if (!isDue) return;
    isDue = false;
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

  await follow(VmEvents, {
    signal,
    onLive: setLive,
    variables() {
      if (state.seq === undefined) state = beginSnapshots(state);
      return { after: state.seq === undefined ? null : String(state.seq) };
    },
    onNext({ vmEvents: event }, isFirst) {
      try {
        state = applyEvents(state, [event], { isFirst });
      } catch (error) {
        // A gap: the next attempt starts over.
        state = beginSnapshots(state);
        throw error;
      }
      undrawn.push(event);
      schedule();
    },
  });
}
