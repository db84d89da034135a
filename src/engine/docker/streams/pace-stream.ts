import { addAbortSignal, Readable } from 'node:stream';
import { pauseFor } from '../../../lib/concurrency/pause-for.ts';

/** Bounds what a machine that writes without end costs the engine, which parses its log for each reader. */
const BYTES_PER_SECOND = 4_000_000;
/** Shorter pauses cost more than they save. */
const SHORTEST_PAUSE_MILLISECONDS = 20;

/**
 * The stream, read at a bounded rate until the signal aborts, which destroys it. Destroying only the result would not:
 * a generator that waits for a chunk returns after it.
 */
export function paceStream(source: Readable, signal: AbortSignal): Readable {
  addAbortSignal(signal, source);
  return Readable.from(pace(source, signal), { objectMode: false });
}

async function* pace(source: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  let paidUntil = performance.now();
  for await (const chunk of source as AsyncIterable<Buffer>) {
    yield chunk;
    const now = performance.now();
    paidUntil = Math.max(paidUntil, now) + (chunk.length * 1_000) / BYTES_PER_SECOND;
    if (paidUntil - now > SHORTEST_PAUSE_MILLISECONDS) await pauseFor(paidUntil - now, signal);
  }
}
