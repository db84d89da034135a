import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startApi } from '../../support/api/api.ts';
import { freePort } from '../../support/ports.ts';

const DEADLINE_MS = 5_000;

/** The status line of an answer; undefined if nothing listens. Rejects if it is not answered in time. */
async function ask(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  const late = setTimeout(() => socket.destroy(new Error('A request was not answered.')), DEADLINE_MS);
  try {
    socket.end('GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    return (await text(socket)).split('\r\n')[0];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return undefined;
    throw error;
  } finally {
    clearTimeout(late);
  }
}

it('a request that comes as soon as the gateway listens is answered', async () => {
  const port = await freePort();
  const answers: Promise<string | undefined>[] = [];
  const started = new AbortController();
  const asking = (async () => {
    while (!started.signal.aborted) {
      answers.push(ask(port));
      await delay(1);
    }
  })();
  const starting = startApi({ ROLES: 'api,ingress', PORT: String(port) }).finally(() => started.abort());
  const gateway = await starting;
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  await asking;
  const answered = (await Promise.all(answers)).filter((answer) => answer !== undefined);
  expect(new Set([...answered, await ask(port)])).toEqual(new Set(['HTTP/1.1 200 OK']));
});
