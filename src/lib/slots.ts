/** Places that are held for a while, so many for each key. */
export interface Slots<K> {
  /** Takes a place and answers with what gives it back, which may be called twice; undefined when all of the key's are taken. */
  acquire(key: K): (() => void) | undefined;
}

export function createSlots<K>(limit: number): Slots<K> {
  const taken = new Map<K, number>();
  return {
    acquire(key) {
      const count = taken.get(key) ?? 0;
      if (count >= limit) return undefined;
      taken.set(key, count + 1);
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        const left = (taken.get(key) ?? 1) - 1;
        if (left === 0) taken.delete(key);
        else taken.set(key, left);
      };
    },
  };
}
