/** Limits the open connections per VM and per ticket. */
export interface SocketLimits {
  /** Counts a connection until the returned function is called; undefined at a limit. */
  acquire(vmId: string, ticketId: string | undefined): (() => void) | undefined;
}

/** The page of an editor opens up to ten WebSockets, that of a desktop one or two. */
const PER_VM = 256;
const PER_TICKET = 128;

export function createSocketLimits({ perVm = PER_VM, perTicket = PER_TICKET } = {}): SocketLimits {
  const byVm = new Map<string, number>();
  const byTicket = new Map<string, number>();

  return {
    acquire(vmId, ticketId) {
      if ((byVm.get(vmId) ?? 0) >= perVm) return undefined;
      if (ticketId !== undefined && (byTicket.get(ticketId) ?? 0) >= perTicket) return undefined;
      add(byVm, vmId, 1);
      if (ticketId !== undefined) add(byTicket, ticketId, 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        add(byVm, vmId, -1);
        if (ticketId !== undefined) add(byTicket, ticketId, -1);
      };
    },
  };
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
