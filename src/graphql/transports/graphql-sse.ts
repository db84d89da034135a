import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { ErrorCode } from '../../errors.ts';
import { cursorOf } from '../../events/vm-event.ts';
import { untilDrained } from '../../http/response/until-drained.ts';
import type { PreparedOperation } from '../pipeline/gateway.ts';
import { STREAM_TYPE } from './response-type.ts';

const HEARTBEAT_MS = 12_000;

/**
 * The id of an event that another try would only repeat: the result of a query or mutation, or why an operation is
 * refused. EventSource connects again after each stream; a reconnect with this id gets 204, after which it stops.
 */
export const FINAL_ID = 'final';
/** Refusals that another try does not mend. */
const FINAL_CODES: readonly unknown[] = ['BAD_USER_INPUT', 'NOT_FOUND'] satisfies ErrorCode[];

/**
 * Answers an operation with server-sent events, in the distinct connections mode of graphql-sse: `next` for each
 * result, then `complete`. An event with a cursor carries it as its id, so a client can reconnect with `Last-Event-ID`
 * and miss nothing. A reconnect to a VM that is gone gets 204. Respects backpressure. A client that falls too far
 * behind, or reads nothing for two heartbeats, is disconnected and can resume the same way. `ending` ends the stream.
 */
export async function serveSse(
  reply: ServerResponse,
  prepared: PreparedOperation,
  { isReconnect, ending }: { isReconnect: boolean; ending: AbortSignal },
): Promise<void> {
  const results = await (prepared.kind === 'subscription' ? prepared.subscribe() : prepared.execute());
  if (!('source' in results)) {
    if (isReconnect && isGone(results)) return sendNoContent(reply);
    const isFinal = prepared.kind !== 'subscription' || isFinalRefusal(results);
    return sendResultAsStream(reply, results, { isFinal });
  }
  const { source } = results;
  const endSource = (): void => void source.return?.().catch(() => undefined);
  if (reply.destroyed) return endSource();
  writeStreamHead(reply);
  // Also settles a pending `next()`: the source is released as soon as the client leaves or its token expires.
  reply.once('close', endSource);
  if (ending.aborted) endSource();
  else ending.addEventListener('abort', endSource, { once: true });
  reply.write(':\n\n');
  keepAlive(reply);
  try {
    for (let { done, value } = await source.next(); done !== true; { done, value } = await source.next()) {
      if (!reply.write(toNextEvent(await results.resultOf(value), cursorOf(value)))) await untilDrained(reply);
      if (ending.aborted) break;
    }
    reply.end(COMPLETE);
  } catch (error) {
    // The source failed, for example because the reader is too slow: disconnect, and let the client resume.
    reply.destroy(error instanceof Error ? error : undefined);
  }
}

/** Answers with a stream of one result, such as the errors of an operation that is refused. */
export function sendResultAsStream(
  reply: ServerResponse,
  result: ExecutionResult,
  { isFinal = isFinalRefusal(result) }: { isFinal?: boolean } = {},
): void {
  if (reply.destroyed) return;
  writeStreamHead(reply);
  reply.end(toNextEvent(result, isFinal ? FINAL_ID : undefined) + COMPLETE);
}

/** Tells an EventSource not to connect again. */
export function sendNoContent(reply: ServerResponse): void {
  if (!reply.destroyed) reply.writeHead(204, { 'cache-control': 'no-store' }).end();
}

const COMPLETE = 'event: complete\ndata:\n\n';

function toNextEvent(result: ExecutionResult, id: string | undefined): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: next\ndata: ${JSON.stringify(result)}\n\n`;
}

function writeStreamHead(reply: ServerResponse): void {
  reply.writeHead(200, { 'content-type': STREAM_TYPE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
}

function isFinalRefusal({ errors = [] }: ExecutionResult): boolean {
  return errors.every(({ extensions }) => FINAL_CODES.includes(extensions['code']));
}

function isGone({ errors = [] }: ExecutionResult): boolean {
  return errors.some(({ extensions }) => extensions['code'] === 'NOT_FOUND');
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
