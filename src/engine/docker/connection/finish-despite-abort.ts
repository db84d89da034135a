/** Creating and starting a container takes 0.3 s. Give up on an engine that takes longer than this. */
const PATIENCE_MILLISECONDS = 5_000;

/**
 * Completes `work`, a request with side effects, even if `signal` aborts meanwhile, and then rejects with its reason.
 * An engine continues an interrupted request, so its result could appear after the caller's cleanup.
 */
export async function finishDespiteAbort<T>(signal: AbortSignal, work: (late: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => late.abort(signal.reason), PATIENCE_MILLISECONDS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await work(late.signal);
    signal.throwIfAborted();
    return result;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
