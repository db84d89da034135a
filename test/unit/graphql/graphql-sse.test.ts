import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { OperationTypeNode } from 'graphql';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { PreparedOperation } from '../../../src/graphql/pipeline/gateway.ts';
import { serveSse } from '../../../src/graphql/transports/graphql-sse.ts';
import { PushQueue } from '../../../src/lib/concurrency/push-queue.ts';
import { eventually } from '../../support/eventually.ts';

const HEARTBEAT_MS = 12_000;
const EVENT_BYTES = 16 * 1024;

/** An event stream of what is pushed into `source`, and a client that reads nothing of it. */
async function openUnread() {
  const source = new PushQueue<object>({ limit: 100_000 });
  const ending = new AbortController();
  const subscription = { source, resultOf: () => ({ data: { text: 'x'.repeat(EVENT_BYTES) } }) };
  const prepared: PreparedOperation = {
    kind: OperationTypeNode.SUBSCRIPTION,
    args: {} as never,
    execute: async () => ({}),
    subscribe: async () => subscription,
  };
  const taken = Promise.withResolvers<ServerResponse>();
  const errors: unknown[] = [];
  const server = createServer((_request, reply) => {
    reply.on('error', (error) => errors.push(error));
    taken.resolve(reply);
    const options = { isReconnect: false, ending: ending.signal };
    serveSse(reply, prepared, options).catch((error: unknown) => errors.push(error));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  socket.on('error', () => undefined);
  onTestFinished(() => void (socket.destroy(), server.closeAllConnections(), server.close()));
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return { source, ending, errors, reply: await taken.promise };
}

it.each([
  ['that waits for its next event, with a little unsent', (reply: ServerResponse) => reply.writableLength > 0],
  ['that waits for its reader', (reply: ServerResponse) => reply.writableNeedDrain],
])(
  'an unread stream %s ends when its token expires and is cut later, without writes after its end',
  async (_what, isFull) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { source, ending, errors, reply } = await openUnread();
    await eventually(() => reply.headersSent);
    // One event after the other until the kernel takes no more.
    for (let quiet = 0; quiet < 20; quiet = isFull(reply) ? quiet + 1 : 0) {
      if (!isFull(reply)) source.push({});
      await new Promise((resolve) => void setImmediate(resolve));
    }
    const closed = once(reply, 'close');
    ending.abort();
    expect(source.isOpen).toBe(false);
    // The end is the last that is written, after what the reader has yet to take.
    await eventually(() => reply.writableEnded || reply.writableNeedDrain);
    for (let beat = 0; beat < 3; beat += 1) vi.advanceTimersByTime(HEARTBEAT_MS);
    await closed;
    expect(errors).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  },
);
