import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { Viewer } from '../auth/viewer.ts';
import { sendJson } from '../lib/send-response.ts';
import { ApiError } from '../errors.ts';
import type { Gateway, OperationRequest, PreparedOperation } from './gateway.ts';

const HEARTBEAT_MS = 12_000;

/**
 * Answers an operation as server-sent events, in the manner of graphql-sse's distinct connections: `next` for each result,
 * `complete` at the end. An event that has a cursor carries it as its id: a client that reconnects with `Last-Event-ID`
 * goes on where it was cut. Written at the reader's pace; a reader that falls too far behind is cut, and resumes likewise.
 */
export async function serveSse(
  gateway: Gateway,
  reply: ServerResponse,
  operation: OperationRequest,
  { viewer, mayMutate, lastEventId }: { viewer: Viewer; mayMutate: boolean; lastEventId: string | undefined },
): Promise<void> {
  const prepared = await gateway.prepare(operation, { viewer, lastEventId, closeSlowReader: () => reply.destroy() });
  if (!('args' in prepared)) return sendJson(reply, 400, { errors: prepared });
  if (prepared.kind === 'mutation' && !mayMutate) throw new ApiError('METHOD_NOT_ALLOWED', 'Send mutations by POST.');
  const results = await resultsOf(prepared);
  if (reply.destroyed) {
    await results.return?.();
    return;
  }
  reply.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  // Ends the wait for the next event too: the source is freed as soon as the client is gone.
  reply.once('close', () => void results.return?.());
  reply.write(':\n\n');
  const heartbeat = setInterval(() => reply.write(':\n\n'), HEARTBEAT_MS);
  try {
    for await (const result of results) {
      if (!reply.write(toEvent(result))) await Promise.race([once(reply, 'drain'), once(reply, 'close')]);
    }
    reply.end('event: complete\ndata:\n\n');
  } catch (error) {
    // The stream's own end, such as a reader that is too slow, tells the client as much as it can still read.
    reply.destroy(error instanceof Error ? error : undefined);
  } finally {
    clearInterval(heartbeat);
  }
}

/** The results of any operation, one after the other: a query has one. */
async function resultsOf({ kind, args, execute, subscribe }: PreparedOperation): Promise<AsyncIterableIterator<ExecutionResult>> {
  const result = kind === 'subscription' ? await subscribe(args) : await execute(args);
  return Symbol.asyncIterator in result ? result : only(result);
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result;
}

function toEvent(result: ExecutionResult): string {
  const id = cursorOf(result);
  return `${id === undefined ? '' : `id: ${id}\n`}event: next\ndata: ${JSON.stringify(result)}\n\n`;
}

/** The `seq` of the subscription's one field, where the client selected it. */
function cursorOf({ data }: ExecutionResult): string | undefined {
  const [value] = Object.values(data ?? {});
  if (typeof value !== 'object' || value === null || !('seq' in value)) return undefined;
  return typeof value.seq === 'string' ? value.seq : undefined;
}
