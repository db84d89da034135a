import type { Socket } from 'node:net';

/** The idle time before TCP keep-alive probes start; the kernel gives up about 10 s later. */
const KEEPALIVE_IDLE_MS = 30_000;
/** How long one side may take to read the rest and close after the other side has ended. */
const LINGER_MS = 30_000;

/**
 * Pipes two sockets into each other until both are closed. When one ends, the other ends after the remaining bytes.
 * Returns a function that destroys both.
 */
export function joinSockets(one: Socket, other: Socket, onClosed: () => void): () => void {
  const cut = () => {
    one.destroy();
    other.destroy();
  };
  let linger: NodeJS.Timeout | undefined;
  let openSides = 2;
  const forward = (from: Socket, to: Socket) => {
    from.setTimeout(0).setNoDelay(true).setKeepAlive(true, KEEPALIVE_IDLE_MS);
    from.on('error', () => undefined);
    from.once('end', () => (linger ??= setTimeout(cut, LINGER_MS)));
    from.once('close', () => {
      openSides -= 1;
      if (openSides === 0) {
        clearTimeout(linger);
        onClosed();
        return;
      }
      linger ??= setTimeout(cut, LINGER_MS);
      to.destroySoon();
    });
    from.pipe(to);
  };
  forward(one, other);
  forward(other, one);
  // A side that closed before this call emits no event.
  if (one.destroyed || other.destroyed) cut();
  return cut;
}
