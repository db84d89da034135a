import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { ErrorCode } from '../../errors.ts';
import { cursorOf } from '../../events/vm-event.ts';
import { sendEventStream, sendNoContent, toEventText, writeStreamHead } from '../../http/response/send-event-stream.ts';
import type { PreparedOperation } from '../pipeline/gateway.ts';

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
 * and miss nothing. A reconnect to a VM that is gone gets 204. `ending` ends the stream.
 */
export async function serveSse(
  reply: ServerResponse,
  prepared: PreparedOperation,
  { isReconnect, ending }: { isReconnect: boolean; ending: AbortSignal },
): Promise<void> {
  const results = await (prepared.kind === 'subscription' ? prepared.subscribe() : prepared.execute());
  if ('source' in results) {
    const toText = async (event: unknown): Promise<string> =>
      toNextEvent(await results.resultOf(event), cursorOf(event));
    return sendEventStream(reply, { source: results.source, toText, farewell: COMPLETE, ending });
  }
  if (isReconnect && isGone(results)) return sendNoContent(reply);
  sendResultAsStream(reply, results, { isFinal: prepared.kind !== 'subscription' || isFinalRefusal(results) });
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

const COMPLETE = 'event: complete\ndata:\n\n';

function toNextEvent(result: ExecutionResult, id: string | undefined): string {
  return toEventText({ id, type: 'next', data: result });
}

function isFinalRefusal({ errors = [] }: ExecutionResult): boolean {
  return errors.every(({ extensions }) => FINAL_CODES.includes(extensions['code']));
}

function isGone({ errors = [] }: ExecutionResult): boolean {
  return errors.some(({ extensions }) => extensions['code'] === 'NOT_FOUND');
}
