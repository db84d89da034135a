import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const ROUNDS = 300;

/** Starts a script of test/support, and resolves with the port that it prints. */
async function start(script: string, ...args: string[]): Promise<number> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../support', script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return Number(line);
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
  it.each([
    { title: 'an answer in one-byte chunks', flood: '/one-byte-chunks', reads: true },
    { title: 'informational answers without end', flood: '/informational', reads: true },
    { title: 'a large answer to a client that never reads', flood: '/large', reads: false },
  ])('does not delay other requests: $title', async ({ flood, reads }) => {
    const port = await start('ingress-child.ts', String(await start('hostile-app-child.ts')));
    const ratios: number[] = [];
    // What else the machine does for a moment counts for one of them: a stall of the process would show in each.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const idle = await medianOfHealth(port);
      const client = connect(port, '127.0.0.1');
      client.on('error', () => undefined);
      if (reads) client.resume();
      client.write(`GET ${flood} HTTP/1.1\r\nHost: app\r\n\r\n`);
      ratios.push((await medianOfHealth(port)) / idle);
      client.destroy();
    }
    expect(Math.min(...ratios)).toBeLessThan(10);
  });
});
