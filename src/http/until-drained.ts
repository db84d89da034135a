import type { Writable } from 'node:stream';

/**
 * Resolves as soon as the stream takes more, or is closed. Both listeners go with the first event: `once` for each in a race would leave
 * the other's behind, one more for every wait.
 */
export async function untilDrained(stream: Pick<Writable, 'writableNeedDrain' | 'destroyed' | 'on' | 'off'>): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  stream.on('drain', done).on('close', done);
  await promise;
  stream.off('drain', done).off('close', done);
}
