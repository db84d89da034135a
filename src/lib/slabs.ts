/** Memory for pieces of bytes on their way out. */
export interface Slabs {
  /** A copy, and what gives its memory back once nobody reads it any more; whoever cannot tell that does not call it. */
  copy(bytes: Uint8Array): { readonly bytes: Buffer; readonly giveBack: () => void };
}

/**
 * Slabs of so many bytes each, of which so many are kept to be used again. Memory of its own for each piece of 64 KB takes longer than all else
 * that is done with it: it is cleared away by the collector, which runs as often as so much of it is asked for. What would fill less than half
 * of a slab has memory of its own all the same, so that those who wait for a slow client never hold more than twice what is theirs.
 */
export function createSlabs({ bytes: size, kept }: { bytes: number; kept: number }): Slabs {
  const free: Buffer[] = [];
  return {
    copy(bytes) {
      const isOwn = bytes.length > size || bytes.length * 2 < size;
      const slab = isOwn ? Buffer.allocUnsafeSlow(bytes.length) : (free.pop() ?? Buffer.allocUnsafeSlow(size));
      slab.set(bytes);
      return {
        bytes: slab.subarray(0, bytes.length),
        giveBack: () => void (slab.length === size && free.length < kept && free.push(slab)),
      };
    },
  };
}
