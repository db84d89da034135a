/** Who opens a connection to a VM. */
export interface SocketHolder {
  readonly vmId: string;
  /** The ticket's id; undefined for a visitor of a PUBLIC mapping, who has none. */
  readonly ticketId: string | undefined;
  /** The client's network, see `networkOf`. */
  readonly network: string;
}

/** At most so many open connections at a time. */
export interface SocketBounds {
  /** Of all holders of tickets for a VM; and again of all its visitors. */
  readonly perVm: number;
  readonly perTicket: number;
  /** Of a network's visitors of one VM. */
  readonly perNetwork: number;
}

/**
 * Limits the open connections to VMs. Holders of tickets and visitors are counted apart, so visitors cannot take the
 * owner's places; and no network can take those of all visitors.
 */
export class SocketLimits {
  readonly #bounds: SocketBounds;
  readonly #counts = new Map<string, number>();

  constructor(bounds: SocketBounds) {
    this.#bounds = bounds;
  }

  /** Counts a connection until the returned function is called; undefined at a limit. */
  acquire({ vmId, ticketId, network }: SocketHolder): (() => void) | undefined {
    const { perVm, perTicket, perNetwork } = this.#bounds;
    const limits: readonly (readonly [key: string, limit: number])[] =
      ticketId === undefined
        ? [
            [`visitors ${vmId}`, perVm],
            [`visitors ${vmId} ${network}`, perNetwork],
          ]
        : [
            [`holders ${vmId}`, perVm],
            [`ticket ${ticketId}`, perTicket],
          ];
    if (limits.some(([key, limit]) => (this.#counts.get(key) ?? 0) >= limit)) return undefined;
    for (const [key] of limits) this.#add(key, 1);
    let isHeld = true;
    return () => {
      if (isHeld) for (const [key] of limits) this.#add(key, -1);
      isHeld = false;
    };
  }

  #add(key: string, change: number): void {
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
