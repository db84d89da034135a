import type { ServerResponse } from 'node:http';
import { untilDrained } from './until-drained.ts';

/** Sends a fetch Response over node:http with backpressure; cancels its body when the client disconnects. */
export async function sendResponse(reply: ServerResponse, response: Response): Promise<void> {
  reply.statusCode = response.status;
  for (const [name, value] of response.headers) reply.setHeader(name, value);
  if (response.body === null) {
    reply.end();
    return;
  }
  const reader = response.body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  reply.once('close', cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || reply.destroyed) break;
      if (!reply.write(value)) await untilDrained(reply);
    }
    reply.end();
  } finally {
    reply.off('close', cancel);
  }
}

/** Sends a small JSON document. */
export function sendJson(
  reply: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  reply.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  reply.end(text);
}
