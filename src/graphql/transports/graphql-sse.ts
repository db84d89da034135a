import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { ApiError } from '../../errors.ts';
import { cursorOf } from '../../events/vm-event.ts';
import { sendJson } from '../../http/send-response.ts';
import { untilDrained } from '../../http/until-drained.ts';
import type { Asker } from '../schema/context.ts';
import type { Gateway, OperationRequest, PreparedOperation } from '../pipeline/gateway.ts';
import type { Subscription } from '../pipeline/subscription.ts';

const HEARTBEAT_MS = 12_000;

/**
 * Answers an operation as server-sent events, in the manner of graphql-sse's distinct connections: `next` for each result,
 * `complete` at the end. An event that has a cursor carries it as its id: a client that reconnects with `Last-Event-ID`
 * goes on where it was cut. Written at the reader's pace; a reader that falls too far behind, or that takes nothing for two
 * heartbeats, is cut, and resumes likewise. `ending` ends the subscription, and so the stream.
 */
export async function serveSse(
  gateway: Gateway,
  reply: ServerResponse,
  operation: OperationRequest,
  { asker, mayMutate, lastEventId, ending }: SseOptions,
): Promise<void> {
  const prepared = await gateway.prepare(operation, { ...asker, lastEventId, connection: { cut: () => void reply.destroy() } });
  if (!('kind' in prepared)) return sendJson(reply, 400, { errors: prepared });
  if (prepared.kind === 'mutation' && !mayMutate) throw new ApiError('METHOD_NOT_ALLOWED', 'Send mutations by POST.');
  const results = await resultsOf(prepared);
  const { source } = results;
  const endSource = (): void => void source.return?.().catch(() => undefined);
  if (reply.destroyed) return endSource();
  reply.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  // Ends the wait for the next event too: the source is freed as soon as the client is gone, or its token has ended.
  reply.once('close', endSource);
  if (ending.aborted) endSource();
  else ending.addEventListener('abort', endSource, { once: true });
  reply.write(':\n\n');
  keepAlive(reply);
  try {
    for (let { done, value } = await source.next(); done !== true; { done, value } = await source.next()) {
      const id = cursorOf(value);
      const event = `${id === undefined ? '' : `id: ${id}\n`}event: next\ndata: ${JSON.stringify(await results.resultOf(value))}\n\n`;
      if (!reply.write(event)) await untilDrained(reply);
      if (ending.aborted) break;
    }
    reply.end('event: complete\ndata:\n\n');
  } catch (error) {
    // The stream's own end, such as a reader that is too slow: it is cut, as it would be by a network, and resumes.
    reply.destroy(error instanceof Error ? error : undefined);
  }
}

interface SseOptions {
  readonly asker: Asker;
  readonly mayMutate: boolean;
  readonly lastEventId: string | undefined;
  readonly ending: AbortSignal;
}

/**
 * Writes a line that means nothing, for clients and proxies that take silence for death, and cuts a client that took nothing since the
 * last look. Goes on until the reply is closed: an ended one whose client reads nothing would stay open for good.
 */
function keepAlive(reply: ServerResponse): void {
  let stuckAt = 0;
  const heartbeat = setInterval(() => {
    const { writableLength } = reply;
    if (writableLength > 0 && writableLength === stuckAt) reply.destroy();
    else if (writableLength === 0 && !reply.writableEnded) reply.write(':\n\n');
    stuckAt = writableLength;
  }, HEARTBEAT_MS);
  reply.once('close', () => clearInterval(heartbeat));
}

/** The results of any operation, one after the other: a query has one. */
async function resultsOf(prepared: PreparedOperation): Promise<Subscription> {
  const result = await (prepared.kind === 'subscription' ? prepared.subscribe() : prepared.execute());
  return 'source' in result ? result : { source: only(result), resultOf: (value) => value as ExecutionResult };
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result;
}
