import { Agent, request } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signToken } from '../../../src/auth/jwt.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway/gateway-process.ts';
import { JWT_SECRET } from '../../support/gateway/tokens.ts';

const PAUSE_MS = 20;
const parts = new AsyncDisposableStack();
let gateway: GatewayProcess;
beforeAll(async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-attack-'));
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = parts.use(await createTestDatabase());
  // Every client is behind one proxy, which says who is who.
  const limits = { RATE_PER_ACCOUNT: '20', RATE_PER_ADDRESS: '20', TRUSTED_PROXIES: '127.0.0.1' };
  gateway = parts.use(
    await startGatewayProcess({
      ...limits,
      ROLES: 'api',
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      JWT_SECRET,
      LOG_LEVEL: 'info',
    }),
  );
});
afterAll(() => parts.disposeAsync());

const tokenOf = (userId: string) =>
  signToken({ userId, ttlSeconds: 600 }, { secret: JWT_SECRET, audience: 'authenticated' });

/** Sends a request over a kept connection and answers with its status. */
async function ask(agent: Agent, address: string, token: string, body?: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { 'x-forwarded-for': address, authorization: `Bearer ${token}` };
  const sent = request(
    `${gateway.url}${body === undefined ? '/vms' : '/graphql'}`,
    {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    },
    (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode ?? 0));
    },
  );
  // A body that is refused unread may cut the connection before the answer is read.
  sent.on('error', body === undefined ? reject : () => resolve(0));
  sent.end(body);
  return promise;
}

/** The 99th percentile of an honest client's answers, in milliseconds; each must be 200. */
async function honestP99(userId: string, address: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const token = await tokenOf(userId);
  const times: number[] = [];
  for (let index = 0; index < 150; index += 1) {
    const begun = performance.now();
    expect(await ask(agent, address, token)).toBe(200);
    times.push(performance.now() - begun);
  }
  agent.destroy();
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

/**
 * Six clients, each of which asks 50 times a second: with false tokens, for operations as dear as they may be, with
 * bodies as large. Resolves when their credit is used up. Faster ones would only measure how two processes share this
 * machine.
 */
async function attack(signal: AbortSignal): Promise<{ refused: () => number; ended: Promise<unknown> }> {
  const dear = `{ ${['a', 'b', 'c'].map((name) => `${name}: vms(first: 100) { nodes { id startViolations { limit used requested unit message } } }`).join(' ')} }`;
  const large = JSON.stringify({ query: '{ me { userId } }' }).padEnd(256 * 1024);
  const token = await tokenOf('mallory');
  const shapes: [string, string, string | undefined][] = [
    ['10.6.6.6', 'a.b.c', undefined],
    ['10.6.6.7', token, JSON.stringify({ query: dear })],
    ['10.6.6.8', token, large],
  ];
  let refused = 0;
  const begun = Promise.withResolvers<void>();
  const clients = [...shapes, ...shapes].map(async ([address, credential, body]) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!signal.aborted) {
      const [status] = await Promise.all([ask(agent, address, credential, body), pause(PAUSE_MS)]);
      if (status === 429) refused += 1;
      if (refused === 50) begun.resolve();
    }
    agent.destroy();
  });
  await begun.promise;
  return { refused: () => refused, ended: Promise.all(clients) };
}

it(
  'serves an honest client within three times its usual time while others do what they can',
  { timeout: 120_000 },
  async () => {
    await honestP99('warm', '10.0.0.1');
    const measured: { quiet: number; attacked: number }[] = [];
    // Whatever else the machine does falls on one round: the best of three counts.
    for (let round = 0; round < 3; round += 1) {
      const before = await honestP99(`before-${round}`, `10.1.0.${round}`);
      const over = new AbortController();
      const { refused, ended } = await attack(over.signal);
      const refusedBefore = refused();
      const attacked = await honestP99(`during-${round}`, `10.2.0.${round}`);
      over.abort();
      await ended;
      expect(refused()).toBeGreaterThan(refusedBefore);
      const after = await honestP99(`after-${round}`, `10.3.0.${round}`);
      measured.push({ quiet: Math.max(before, after), attacked });
      if (attacked < 3 * Math.max(before, after)) break;
    }
    expect(
      measured.some(({ quiet, attacked }) => attacked < 3 * quiet),
      JSON.stringify(measured),
    ).toBe(true);
  },
);

it('tells of it in few lines, without a token', () => {
  const text = gateway.lines.join('\n');
  expect(gateway.lines.length).toBeLessThan(40);
  expect(text).not.toMatch(/eyJ|a\.b\.c/);
});
