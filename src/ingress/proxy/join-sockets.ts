import type { Socket } from 'node:net';

/** After this without a byte, the kernel asks the peer whether it still lives; it gives up about 10 s later. */
const KEEPALIVE_IDLE_MS = 30_000;
/** How long one side may take to read what is left, and to close, after the other side ended. */
const LINGER_MS = 30_000;

/**
 * Pipes two sockets into each other until both are closed. An end of one is an end of the other, after the bytes before it.
 * Returns what cuts both at once.
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
  // A side that closed before this was called has told nobody.
  if (one.destroyed || other.destroyed) cut();
  return cut;
}
