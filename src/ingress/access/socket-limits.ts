/** Counts the WebSockets that are open to each VM, and through each ticket. */
export interface SocketLimits {
  /** Takes a place until the returned function is called; undefined when there is none. */
  enter(vmId: string, ticketId: string | undefined): (() => void) | undefined;
}

/** An editor's page opens up to ten; a desktop's one or two. */
const PER_VM = 256;
const PER_TICKET = 128;

export function createSocketLimits({ perVm = PER_VM, perTicket = PER_TICKET } = {}): SocketLimits {
  const byVm = new Map<string, number>();
  const byTicket = new Map<string, number>();

  return {
    enter(vmId, ticketId) {
      if ((byVm.get(vmId) ?? 0) >= perVm) return undefined;
      if (ticketId !== undefined && (byTicket.get(ticketId) ?? 0) >= perTicket) return undefined;
      add(byVm, vmId, 1);
      if (ticketId !== undefined) add(byTicket, ticketId, 1);
      let isIn = true;
      return () => {
        if (!isIn) return;
        isIn = false;
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
