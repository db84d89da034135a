import { ApiError } from '../../errors.ts';

/** Programs that run at a time through this gateway. */
const LIMITS = { vm: 8, account: 32 } as const;

/** Limits how many programs run at a time in a VM, and in all VMs of an account. */
export class ExecPlaces {
  readonly #counts = new Map<string, number>();

  /** Takes a place until the returned function is called, once. RATE_LIMITED if there is none. */
  enter({ id, userId }: { readonly id: string; readonly userId: string }): () => void {
    const limits = [
      [`vm ${id}`, LIMITS.vm],
      [`account ${userId}`, LIMITS.account],
    ] as const;
    if (limits.some(([key, limit]) => (this.#counts.get(key) ?? 0) >= limit)) {
      const message = `At most ${LIMITS.vm} programs run at a time in a VM, and ${LIMITS.account} in an account's.`;
      throw new ApiError('RATE_LIMITED', message, { retryAfterSeconds: 1 });
    }
    for (const [key] of limits) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return () => {
      for (const [key] of limits) {
        const left = (this.#counts.get(key) ?? 0) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
    };
  }
}
