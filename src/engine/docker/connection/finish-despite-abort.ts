/** A container is created and started in a third of a second; an engine that takes longer is not waited for. */
const PATIENCE_MILLISECONDS = 5_000;

/**
 * Does `work`, one request that changes something, to its end also when `signal` aborts meanwhile, and rejects with its reason then. An
 * engine goes on with a request that is cut: what comes of it would appear after whoever aborted has looked what there is to clean up.
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
