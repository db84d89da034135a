import type { Listener } from '../db/listen.ts';
import type { ProgressNote } from './append-event.ts';
import type { VmProgress } from './vm-event.ts';

/** Far more than can boot at once. The oldest go first. */
const MAX_VMS = 1_000;

/** The latest progress of each booting VM, on whichever gateway it boots. */
export class BootProgress {
  readonly #latest = new Map<string, ProgressNote>();
  readonly #handlers = new Set<(note: ProgressNote) => void>();

  constructor(listener: Listener) {
    listener.on('vm_progress', (payload) => this.#onNotification(payload));
  }

  #onNotification(payload: string): void {
    const note = JSON.parse(payload) as ProgressNote;
    // Deleted first: the map then stays in the order of age.
    this.#latest.delete(note.v);
    this.#latest.set(note.v, note);
    const [oldest] = this.#latest.keys();
    if (this.#latest.size > MAX_VMS && oldest !== undefined) this.#latest.delete(oldest);
    for (const handle of this.#handlers) handle(note);
  }

  /** Undefined when the latest progress is of another status: an earlier boot or an earlier step. */
  find(vmId: string, status: string): VmProgress | undefined {
    const note = this.#latest.get(vmId);
    return note?.s === status ? note.p : undefined;
  }

  /** Calls the handler with each new note. Returns the function that removes it. */
  onProgress(handle: (note: ProgressNote) => void): () => void {
    this.#handlers.add(handle);
    return () => this.#handlers.delete(handle);
  }
}
