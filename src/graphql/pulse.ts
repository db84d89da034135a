import type { WebSocket } from 'ws';

/** Finds out which sockets are dead without a word: no FIN ever came. */
export interface Pulse {
  watch(socket: WebSocket): void;
  /** Called when it has closed. */
  forget(socket: WebSocket): void;
  close(): void;
}

/** A slot at a time, so that thousands of pings do not go out at once and hold up what is to be told. */
const SLOTS = 10;

/** Pings each socket once a period, and terminates one that has not answered by the next: it is gone within two periods. */
export function createPulse({ periodMs }: { periodMs: number }): Pulse {
  const slots = Array.from({ length: SLOTS }, () => new Set<WebSocket>());
  const silent = new WeakSet<WebSocket>();
  let turn = 0;
  let next = 0;

  // One function for all of them: there may be many thousands.
  function onPong(this: WebSocket): void {
    silent.delete(this);
  }
  const beat = (): void => {
    for (const socket of slots[turn] ?? []) {
      if (silent.has(socket)) socket.terminate();
      else if (socket.readyState === socket.OPEN) {
        silent.add(socket);
        socket.ping();
      }
    }
    turn = (turn + 1) % SLOTS;
  };
  const timer = setInterval(beat, periodMs / SLOTS);
  timer.unref();

  return {
    watch(socket) {
      slots[next]?.add(socket);
      next = (next + 1) % SLOTS;
      socket.on('pong', onPong);
    },
    forget(socket) {
      for (const slot of slots) slot.delete(socket);
    },
    close: () => clearInterval(timer),
  };
}
