/** An app that was asked, and what to ask again and again while nothing changes. */
export interface CheckedApp {
  /** When container and app were seen as the row says, by performance.now(). */
  readonly askedAt: number;
  /** Whether container and app are as they were. Rejects if the engine does not say. */
  readonly isSame: (timeoutMs: number, signal: AbortSignal) => Promise<boolean>;
}
