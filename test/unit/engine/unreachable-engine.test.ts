import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { machineSpec, testDriver } from '../../support/engine/engines.ts';
import { codeOf, failureOf, ignoreProgress, volume, within } from '../../support/engine/engine-contract.ts';

describe('A driver of an engine that does not answer', () => {
  const servers: Server[] = [];
  afterAll(() => servers.forEach((server) => server.close()));
  const listen = async (server: Server) => {
    const path = join(tmpdir(), `swiftor-${randomUUID().slice(0, 8)}.sock`);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return `unix://${path}`;
  };
  it('says ENGINE_UNREACHABLE when there is no socket, whatever it is asked', async () => {
    const driver = testDriver('none', { endpoint: `unix://${join(tmpdir(), 'no-such.sock')}` });
    const spec = machineSpec({ volumes: [volume()] });
    const calls = [
      driver.ping(within()),
      driver.ensure(spec, within(), ignoreProgress),
      driver.ensureVolumes(spec, within()),
      driver.stop(spec.id, within()),
      driver.remove(spec.id, ['until-stop'], within()),
      driver.observe(spec.id, within()),
      driver.list(within()),
      driver.listNode(undefined, within()),
      driver.address(spec.id, 'x', 80, within()),
      driver.measureStorage(within()),
      driver.diskSpace(within()),
      driver.events(within())[Symbol.asyncIterator]().next(),
      driver.logs(spec.id, { tail: 1, follow: false }, within())[Symbol.asyncIterator]().next(),
      driver.stats(spec.id, within())[Symbol.asyncIterator]().next(),
    ];
    expect(new Set(await Promise.all(calls.map(codeOf)))).toEqual(new Set(['ENGINE_UNREACHABLE']));
    await expect(driver.ping(within())).rejects.toThrow(/no-such\.sock/);
  });

  it('says ENGINE_TIMEOUT when it accepts and says nothing', async () => {
    const endpoint = await listen(createServer(() => undefined).unref());
    const driver = testDriver('none', { endpoint, callMilliseconds: 200 });
    onTestFinished(() => driver.close());
    expect(await codeOf(driver.ping(within(5)))).toBe('ENGINE_TIMEOUT');
    expect(await codeOf(driver.list(within(5)))).toBe('ENGINE_TIMEOUT');
    expect(await codeOf(driver.events(within(5))[Symbol.asyncIterator]().next())).toBe('ENGINE_TIMEOUT');
  });

  it("rejects with the caller's reason when the caller gives up first", async () => {
    const endpoint = await listen(createServer(() => undefined).unref());
    const driver = testDriver('none', { endpoint });
    onTestFinished(() => driver.close());
    const abort = new AbortController();
    const reason = new Error('enough');
    const work = failureOf(driver.list(abort.signal));
    abort.abort(reason);
    expect(await work).toBe(reason);
  });

  it.each([404, 409])('has no more lines of a container that is gone or just being removed (%i)', async (status) => {
    const server = createHttpServer(({ url = '' }, reply) => {
      reply.setHeader('content-type', 'application/json');
      if (url.includes('/containers/json'))
        reply.end(JSON.stringify([{ Id: 'a', Names: ['/a'], Labels: {}, State: 'removing' }]));
      else
        reply
          .writeHead(status)
          .end('{"message":"can not get logs from container which is dead or marked for removal"}');
    });
    const driver = testDriver('none', { endpoint: await listen(server) });
    onTestFinished(() => driver.close());
    onTestFinished(() => void server.close());
    const lines: string[] = [];
    for await (const { text } of driver.logs(randomUUID(), { tail: 5, follow: true }, within(5))) lines.push(text);
    expect(lines).toEqual([]);
  });

  it("takes nothing for an engine's word that something else answers", async () => {
    const page = await listen(createHttpServer((_, response) => response.end('<html>welcome</html>')));
    const noise = await listen(createServer((socket) => socket.on('error', () => undefined).end('hello\r\n\r\n')));
    for (const endpoint of [page, noise]) {
      const driver = testDriver('none', { endpoint });
      expect(await codeOf(driver.ping(within()))).toBe('ENGINE_UNREACHABLE');
      // Not an empty inventory: nothing may be taken for gone.
      const codes = await Promise.all(
        [driver.list(within()), driver.observe('x', within()), driver.measureStorage(within())].map(codeOf),
      );
      expect(new Set(codes)).toEqual(new Set([endpoint === page ? 'ENGINE_REFUSED' : 'ENGINE_UNREACHABLE']));
      await driver.close();
    }
  });
});
