import { get } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEngineProxy, type EngineAct, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';

/** An engine of two containers, which counts what reaches it. */
const target = path.join(tmpdir(), `swiftor-target-${randomUUID().slice(0, 8)}.sock`);
let reached = 0;
const engine = createServer((_request, response) => {
  reached += 1;
  response.end('[1,2]');
});
let proxy: EngineProxy;
beforeAll(async () => {
  await new Promise<void>((resolve) => engine.listen(target, resolve));
  proxy = await openEngineProxy(target);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  engine.closeAllConnections();
  await new Promise((resolve) => engine.close(resolve));
});
beforeEach(() => void (reached = 0));

/** What a client sees: status and body, or the error's code. */
function ask(): Promise<string> {
  return new Promise((resolve) => {
    const options = {
      socketPath: proxy.endpoint.slice('unix://'.length),
      path: '/v1.41/containers/json?all=1',
      agent: false,
      timeout: 300,
    };
    const asked = get(options, (answer) => {
      text(answer).then(
        (body) => resolve(`${answer.statusCode} ${body}`),
        () => resolve(`${answer.statusCode} cut`),
      );
    });
    asked.on('timeout', () => asked.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
}

describe('a rule of the engine proxy', () => {
  const acts: readonly [EngineAct, string, number][] = [
    [{ kind: 'answer', status: 500, body: { message: 'no' } }, '500 {"message":"no"}', 0],
    [{ kind: 'answer', status: 200, body: '<html>' }, '200 <html>', 0],
    [{ kind: 'delay', milliseconds: 20 }, '200 [1,2]', 1],
    [{ kind: 'stall' }, 'TIMEOUT', 0],
    [{ kind: 'cut', at: 'request' }, 'ECONNRESET', 0],
    [{ kind: 'cut', at: 'answer' }, 'ECONNRESET', 1],
    [{ kind: 'cut', at: 'body' }, '200 cut', 1],
    [{ kind: 'rewrite', map: () => [] }, '200 []', 1],
  ];
  it.each(acts)('%j gives the client %s', async (act, seen, times) => {
    const remove = proxy.rule({ call: /^GET \/containers\/json\?/, act });
    expect([await ask(), reached]).toEqual([seen, times]);
    remove();
    expect(await ask()).toBe('200 [1,2]');
  });

  it('applies to the nth matching call only', async () => {
    const remove = proxy.rule({ call: /containers/, nth: 2, act: { kind: 'rewrite', map: () => [] } });
    expect([await ask(), await ask(), await ask()]).toEqual(['200 [1,2]', '200 []', '200 [1,2]']);
    remove();
  });
});
