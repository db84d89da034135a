import type { ServerResponse } from 'node:http';
import { untilDrained } from './until-drained.ts';

export const STREAM_TYPE = 'text/event-stream; charset=utf-8';

const HEARTBEAT_MS = 12_000;

export interface EventStream {
  readonly source: AsyncIterator<unknown>;
  /** The text of an event. If it rejects, the client is disconnected, as if the source had failed. */
  readonly toText: (event: unknown) => Promise<string>;
  /** Written last, if the source ends. */
  readonly farewell: string;
  /** Ends the stream. */
  readonly ending: AbortSignal;
}

/**
 * Sends events until the source ends. Respects backpressure. A client that falls too far behind, or reads nothing for
 * two heartbeats, is disconnected: it can resume behind the last event that it has seen.
 */
export async function sendEventStream(
  reply: ServerResponse,
  { source, toText, farewell, ending }: EventStream,
): Promise<void> {
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
      if (!reply.write(await toText(value))) await untilDrained(reply);
      if (ending.aborted) break;
    }
    reply.end(farewell);
  } catch (error) {
    // The source failed, for example because the reader is too slow: disconnect, and let the client resume.
    reply.destroy(error instanceof Error ? error : undefined);
  }
}

interface EventParts {
  /** What a client sends as `Last-Event-ID` when it connects again. */
  readonly id: string | undefined;
  /** The type of the event; EventSource dispatches `message` without one. */
  readonly type?: string;
  readonly data: unknown;
}

/** An event with its data as JSON. */
export function toEventText({ id, type, data }: EventParts): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${type === undefined ? '' : `event: ${type}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

export function writeStreamHead(reply: ServerResponse): void {
  reply.writeHead(200, { 'content-type': STREAM_TYPE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
}

/** Tells an EventSource not to connect again. */
export function sendNoContent(reply: ServerResponse): void {
  if (!reply.destroyed) reply.writeHead(204, { 'cache-control': 'no-store' }).end();
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
