import { connect } from 'node:net';
import { quantile } from './quantile.ts';

/** A port and the bytes of the n-th request of this process. */
export interface LoadTarget {
  readonly port: number;
  readonly requestOf: (index: number) => Buffer;
}

export interface LoadResult {
  readonly answers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Never the same again: an update to a label that a VM has already would change nothing, and be fast. */
let asked = 0;

/**
 * Sends requests over keep-alive connections, one at a time on each, for about the given time. Parses only the status
 * and the end of a response, because on a small machine the load competes with what it measures. Rejects for any status
 * but 200.
 */
export async function load(target: LoadTarget, connections: number, milliseconds: number): Promise<LoadResult> {
  const begun = performance.now();
  const until = begun + milliseconds;
  const next = (): Buffer => target.requestOf((asked += 1));
  const latencies = (
    await Promise.all(Array.from({ length: connections }, () => keepAsking(target.port, next, until)))
  ).flat();
  return {
    answers: latencies.length,
    perSecond: (latencies.length * 1000) / (performance.now() - begun),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

async function keepAsking(port: number, next: () => Buffer, until: number): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const latencies: number[] = [];
  let answer: Buffer = Buffer.alloc(0);
  let sentAt = 0;
  const ask = (): void => {
    answer = Buffer.alloc(0);
    sentAt = performance.now();
    socket.write(next());
  };
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }, ask);
  socket.on('data', (chunk: Buffer) => {
    answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
    if (!isWhole(answer)) return;
    const now = performance.now();
    latencies.push(now - sentAt);
    if (!answer.subarray(0, 12).equals(OK)) reject(new Error(`Under load an answer was not 200: ${answer.toString()}`));
    else if (now < until) ask();
    else resolve(latencies);
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('A connection was closed under load.')));
  return promise.finally(() => socket.destroy());
}

const OK = Buffer.from('HTTP/1.1 200');
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

function isWhole(answer: Buffer): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, headEnd))?.[1];
  if (length === undefined) return answer.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
  return answer.length >= headEnd + 4 + Number(length);
}
