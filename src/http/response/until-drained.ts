import type { Writable } from 'node:stream';

/**
 * Resolves when the stream accepts more data or is closed. Removes both listeners after the first event; a race of two
 * `once` calls would leak one listener per wait.
 */
export async function untilDrained(
  stream: Pick<Writable, 'writableNeedDrain' | 'destroyed' | 'on' | 'off'>,
): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  stream.on('drain', done).on('close', done);
  await promise;
  stream.off('drain', done).off('close', done);
}
