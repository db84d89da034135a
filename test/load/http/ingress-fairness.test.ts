import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROUNDS = 100;

/** Starts a script of test/support, and resolves with the port that it prints. */
async function start(script: string, ...args: string[]): Promise<{ port: number; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../support/ingress', script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { port: Number(line), stop };
}

/** The median time of /health/live in ms, asked one after the other on one connection. */
async function medianOfHealth(port: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    const asked = request({ host: '127.0.0.1', port, path: '/health/live', agent }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await once(answer.resume(), 'end');
    times.push(performance.now() - begun);
  }
  agent.destroy();
  return times.toSorted((a, b) => a - b)[ROUNDS / 2] ?? Number.NaN;
}

describe('an app that floods one client', () => {
  let port: number;
  beforeAll(async () => {
    const app = await start('hostile-app-child.ts');
    onEnd.push(app.stop);
    const ingress = await start('ingress-child.ts', String(app.port));
    onEnd.push(ingress.stop);
    ({ port } = ingress);
  });
  const onEnd: (() => Promise<void>)[] = [];
  afterAll(() => Promise.all(onEnd.map((stop) => stop())));

  it.each([
    { title: 'an answer in one-byte chunks', flood: '/one-byte-chunks', reads: true },
    { title: 'a flood of informational answers', flood: '/informational', reads: true },
    { title: 'a large answer to a client that never reads', flood: '/large', reads: false },
  ])(
    'does not delay other requests: $title',
    async ({ flood, reads }) => {
      let ratio = Number.POSITIVE_INFINITY;
      // Other work on the machine may delay one attempt. A stalled process delays each.
      for (let attempt = 0; attempt < 3 && !(ratio < 10); attempt += 1) {
        const idle = await medianOfHealth(port);
        const { stop } = await start('flooded-client-child.ts', String(port), flood, reads ? 'reads' : 'waits');
        try {
          ratio = (await medianOfHealth(port)) / idle;
        } finally {
          await stop();
        }
      }
      expect(ratio).toBeLessThan(10);
    },
    60_000,
  );
});
