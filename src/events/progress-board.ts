import type { Listener } from '../db/listen.ts';
import type { ProgressNote } from './append-event.ts';
import type { VmProgress } from './vm-event.ts';

/** The latest progress of each booting VM, whichever gateway boots it. */
export interface ProgressBoard {
  /** Undefined when the latest belongs to another status: that of a boot before, or of the step before. */
  find(vmId: string, status: string): VmProgress | undefined;
  onProgress(handle: (note: ProgressNote) => void): () => void;
}

/** Far more than can boot at once; the oldest go first. */
const KEPT = 1_000;

export function createProgressBoard(listener: Listener): ProgressBoard {
  const latest = new Map<string, ProgressNote>();
  const handlers = new Set<(note: ProgressNote) => void>();
  listener.on('vm_progress', (payload) => {
    const note = JSON.parse(payload) as ProgressNote;
    // Re-inserted, so that the map's order is the order of age.
    latest.delete(note.v);
    latest.set(note.v, note);
    const [oldest] = latest.keys();
    if (latest.size > KEPT && oldest !== undefined) latest.delete(oldest);
    for (const handle of handlers) handle(note);
  });
  return {
    find(vmId, status) {
      const note = latest.get(vmId);
      return note?.s === status ? note.p : undefined;
    },
    onProgress(handle) {
      handlers.add(handle);
      return () => handlers.delete(handle);
    },
  };
}
