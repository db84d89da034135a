/**
 * Collects all garbage and gives the emptied pages back to the system, which V8 by itself puts off for as long as little happens.
 * Blocks for about 0.1 s. Never rejects: where there is no inspector, the memory is kept.
 */
export async function releaseUnusedMemory(): Promise<void> {
  try {
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    await session.post('HeapProfiler.collectGarbage').finally(() => session.disconnect());
  } catch {
    // Nothing depends on it.
  }
}
