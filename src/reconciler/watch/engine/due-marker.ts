interface DueMarkerOptions {
  readonly mark: (vmIds: readonly string[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * Marks VMs due one statement at a time, with all that came meanwhile: the end of a node is an event for each of its
 * VMs. VMs of a statement that fails are left to the next list.
 */
export class DueMarker {
  readonly #options: DueMarkerOptions;
  readonly #waiting = new Set<string>();
  #marking: Promise<void> | undefined;

  constructor(options: DueMarkerOptions) {
    this.#options = options;
  }

  add(vmId: string): void {
    this.#waiting.add(vmId);
    this.#marking ??= this.#markWaiting();
  }

  /** Resolves when all that was added is marked. */
  async settled(): Promise<void> {
    await this.#marking;
  }

  async #markWaiting(): Promise<void> {
    while (this.#waiting.size > 0) {
      const vmIds = [...this.#waiting];
      this.#waiting.clear();
      await this.#options.mark(vmIds).catch(this.#options.onError);
    }
    // Not when the promise settles: what comes in between would wait for the next.
    this.#marking = undefined;
  }
}
