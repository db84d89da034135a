/** The engine's ids or names of each machine's objects, from when they are first seen until they are removed. */
export class KnownRefs {
  readonly #refsByMachine = new Map<string, Set<string>>();
  readonly #machineByRef = new Map<string, string>();

  note(id: string, ref: string): void {
    if (this.#machineByRef.has(ref)) return;
    this.#machineByRef.set(ref, id);
    const refs = this.#refsByMachine.get(id) ?? new Set();
    this.#refsByMachine.set(id, refs.add(ref));
  }

  forget(ref: string): void {
    const id = this.#machineByRef.get(ref);
    if (id === undefined) return;
    this.#machineByRef.delete(ref);
    const refs = this.#refsByMachine.get(id);
    refs?.delete(ref);
    if (refs?.size === 0) this.#refsByMachine.delete(id);
  }

  /** The known refs of one machine, or of all, that are not in `listed`. */
  missingFrom(listed: ReadonlySet<string>, id?: string): readonly string[] {
    const known = id === undefined ? this.#machineByRef.keys() : (this.#refsByMachine.get(id) ?? []);
    return [...known].filter((ref) => !listed.has(ref));
  }
}
