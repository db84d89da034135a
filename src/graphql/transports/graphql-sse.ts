import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { cursorOf } from '../../events/vm-event.ts';
import { MethodNotAllowedError } from '../../http/method-not-allowed.ts';
import { sendJson } from '../../http/send-response.ts';
import { untilDrained } from '../../http/until-drained.ts';
import type { Caller } from '../schema/context.ts';
import type { Gateway, OperationRequest, PreparedOperation } from '../pipeline/gateway.ts';
import type { Subscription } from '../pipeline/subscription.ts';

const HEARTBEAT_MS = 12_000;

/**
 * Answers an operation with server-sent events, in the distinct connections mode of graphql-sse: `next` for each
 * result, then `complete`. An event with a cursor carries it as its id, so a client can reconnect with `Last-Event-ID`
 * and miss nothing. Respects backpressure. A client that falls too far behind, or reads nothing for two heartbeats, is
 * disconnected and can resume the same way. `ending` ends the stream.
 */
export async function serveSse(
  gateway: Gateway,
  reply: ServerResponse,
  operation: OperationRequest,
  { caller, mayMutate, lastEventId, ending }: SseOptions,
): Promise<void> {
  const prepared = gateway.prepare(operation, {
    ...caller,
    lastEventId,
    connection: { cut: () => void reply.destroy() },
  });
  if (!('kind' in prepared)) return sendJson(reply, 400, { errors: prepared });
  if (prepared.kind === 'mutation' && !mayMutate) throw new MethodNotAllowedError(['POST'], 'Send mutations by POST.');
  const results = await resultsOf(prepared);
  const { source } = results;
  const endSource = (): void => void source.return?.().catch(() => undefined);
  if (reply.destroyed) return endSource();
  reply.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  // Also settles a pending `next()`: the source is released as soon as the client leaves or its token expires.
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
    // The source failed, for example because the reader is too slow: disconnect, and let the client resume.
    reply.destroy(error instanceof Error ? error : undefined);
  }
}

interface SseOptions {
  readonly caller: Caller;
  readonly mayMutate: boolean;
  readonly lastEventId: string | undefined;
  readonly ending: AbortSignal;
}

/**
 * Sends comments as heartbeats, for clients and proxies that close idle connections, and disconnects a client that has
 * read nothing since the last one. Runs until `close`, not `end`: a client that reads nothing would never close.
 */
function keepAlive(reply: ServerResponse): void {
  let lastLength = 0;
  const heartbeat = setInterval(() => {
    const { writableLength } = reply;
    if (writableLength > 0 && writableLength === lastLength) reply.destroy();
    else if (writableLength === 0 && !reply.writableEnded) reply.write(':\n\n');
    lastLength = writableLength;
  }, HEARTBEAT_MS);
  reply.once('close', () => clearInterval(heartbeat));
}

/** The results of any operation; a query or mutation has one. */
async function resultsOf(prepared: PreparedOperation): Promise<Subscription> {
  const result = await (prepared.kind === 'subscription' ? prepared.subscribe() : prepared.execute());
  return 'source' in result ? result : { source: only(result), resultOf: (value) => value as ExecutionResult };
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result;
}
