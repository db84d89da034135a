/** Where an item is in its bag. */
const place = Symbol('place');

type Placed<T> = T & { [place]?: number };

/**
 * A collection without order, for what comes and goes with each request. An item is in one bag at most.
 *
 * Not a Set: V8 replaces the table of a Set after about as many changes as it has items, and each table keeps its
 * successor alive. Once one of them is in the old generation, collections of the young generation free nothing that was
 * in a later one: all garbage is copied, until a full collection.
 */
export class Bag<T extends object> {
  readonly #items: Placed<T>[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: Placed<T>): void {
    item[place] = this.#items.push(item) - 1;
  }

  /** Nothing happens if it is not there. */
  delete(item: Placed<T>): void {
    const at = item[place];
    if (at === undefined || this.#items[at] !== item) return;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[at] = last;
    last[place] = at;
  }

  /** Empties it. Returns what was in it. */
  takeAll(): T[] {
    return this.#items.splice(0);
  }
}
