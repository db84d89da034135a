import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../../src/engine/docker/connection/connect.ts';
import { createEngineCall } from '../../../src/engine/docker/connection/engine-call.ts';
import { pullImage } from '../../../src/engine/docker/images/pull-image.ts';
import { WatchdogConnection } from '../../../src/engine/docker/isolation/watchdog-connection.ts';
import { testDriver } from '../../support/engine/engines.ts';

/** Sends the head of each answer and a part of the body, then closes the connection. */
let server: Server;
let status = 200;
let part = '';
const file = path.join(tmpdir(), `swiftor-cut-${randomUUID().slice(0, 8)}.sock`);
const endpoint = `unix://${file}`;
const call = createEngineCall(endpoint, 20_000);
const { docker, close } = connect(endpoint);
const driver = testDriver(`test-${randomUUID()}`, { endpoint });

beforeAll(async () => {
  server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (part !== '') response.write(part);
    // Once the head has been read.
    setImmediate(() => response.destroy());
  });
  server.on('upgrade', (_incoming, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n', () => socket.destroy());
  });
  await once(server.listen(file), 'listening');
});
afterAll(async () => {
  await driver.close();
  close();
  server.closeAllConnections();
  server.close();
  await rm(file, { force: true });
});

const ref = 'a'.repeat(64);
type Ask = (abortSignal: AbortSignal) => Promise<unknown>;
const CALLS: Readonly<Record<string, Ask>> = {
  list: (abortSignal) => docker.listContainers({ abortSignal }),
  inspect: (abortSignal) => docker.getContainer(ref).inspect({ abortSignal }),
  create: (abortSignal) => docker.createContainer({ Image: 'i', abortSignal }),
  wait: (abortSignal) => docker.getContainer(ref).wait({ condition: 'not-running', abortSignal }),
  'a log that is not followed': (abortSignal) =>
    docker.getContainer(ref).logs({ follow: false, stdout: true, abortSignal }),
  'import an image': async (abortSignal) =>
    text(await docker.importImage(Readable.from([Buffer.alloc(1024)]), { repo: 'r', tag: 't', abortSignal })),
};

/** Rejects with what the work rejects with; fails when it takes longer than a second. */
async function inASecond(work: Promise<unknown>): Promise<unknown> {
  const late = AbortSignal.timeout(1_000);
  const failed = work.then(
    () => expect.fail('This succeeded.'),
    (error: unknown) => error,
  );
  return Promise.race([failed, once(late, 'abort').then(() => expect.fail('This took longer than a second.'))]);
}

it.each(
  Object.entries(CALLS).flatMap(([name, ask]) =>
    [
      { status: 200, part: '' },
      { status: 200, part: '[{"Id":' },
      { status: 500, part: '' },
      { status: 404, part: '{"mess' },
    ].map((how) => ({ name, ask, ...how })),
  ),
)(
  '$name: an answer of $status that is cut after its head and "$part" is an engine that does not answer',
  async ({ ask, ...how }) => {
    ({ status, part } = how);
    const error = await inASecond(call('answer', AbortSignal.timeout(10_000), ask));
    expect(error).toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  },
);

it.each(['', '{"Type":"contai'])('streams that are cut after their head and "%s" end likewise', async (begun) => {
  status = 200;
  part = begun;
  const signal = AbortSignal.timeout(10_000);
  const drain = async (stream: AsyncIterable<unknown>) => {
    for await (const item of stream) expect(item).toBeDefined();
  };
  const works = [
    () => drain(driver.events(signal)),
    () => drain(driver.logs(ref, { tail: 1, follow: true }, signal)),
    () => pullImage({ docker, call, stallMilliseconds: 10_000 }, 'image:1', signal, () => undefined),
    () => driver.ping(signal),
  ];
  for (const work of works) expect(await inASecond(work())).toMatchObject({ code: 'ENGINE_UNREACHABLE' });
});

it('a cut connection to the watchdog answers no', async () => {
  const tools: { docker: Docker; call: typeof call } = { docker, call };
  const line = await WatchdogConnection.open(tools, ref, AbortSignal.timeout(10_000));
  const asked = performance.now();
  expect(await line.ask(AbortSignal.timeout(10_000))).toBe(false);
  expect(performance.now() - asked).toBeLessThan(1_000);
});
