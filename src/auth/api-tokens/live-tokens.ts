import { setMaxListeners } from 'node:events';
import type { TokenState } from '../../audit/viewer.ts';

/**
 * The states of the tokens that something here still uses: the cache, a request or a live connection, each by holding
 * the state itself. A state that nobody holds is forgotten.
 */
export class LiveTokens {
  readonly #states = new Map<string, { readonly state: WeakRef<TokenState>; readonly end: () => void }>();

  /** The one state of this token. */
  stateOf(id: string): TokenState {
    const known = this.#states.get(id)?.state.deref();
    if (known !== undefined) return known;
    const ending = new AbortController();
    // Each live connection listens.
    setMaxListeners(0, ending.signal);
    const state: TokenState = { id, revoked: ending.signal };
    this.#states.set(id, { state: new WeakRef(state), end: () => ending.abort() });
    return state;
  }

  /** The ids of the tokens that are still used. */
  ids(): string[] {
    for (const [id, { state }] of this.#states) if (state.deref() === undefined) this.#states.delete(id);
    return [...this.#states.keys()];
  }

  revoke(id: string): void {
    this.#states.get(id)?.end();
    this.#states.delete(id);
  }
}
