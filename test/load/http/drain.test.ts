import { Agent, request } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startApiProcess, type ApiProcess } from '../../support/api/api-process.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';

const CLIENTS = 40;
const GOING_AWAY = 1001;

interface Outcome {
  /** The answer; undefined where the connection ended instead. */
  readonly text: string | undefined;
  readonly isLast: boolean;
}

/** One mutation of a client that keeps its connection. */
function create(gateway: ApiProcess, agent: Agent, token: string, vmlabel: string): Promise<Outcome> {
  const input = { vmlabel, region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 };
  const body = JSON.stringify({
    query: 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }',
    variables: { input },
  });
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve) => {
    const sent = request({ port: gateway.port, method: 'POST', path: '/graphql', agent, headers });
    sent.on('error', () => resolve({ text: undefined, isLast: true }));
    sent.on('response', (response) => {
      let text = '';
      response.on('error', () => resolve({ text: undefined, isLast: true }));
      response.on('end', () => resolve({ text, isLast: response.headers.connection === 'close' }));
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    });
    sent.end(body);
  });
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s under load: every mutation that was made was answered, and the gateway ends with 0',
  { timeout: 60_000 },
  async (signal) => {
    await using gateway = await startApiProcess();
    const outcomes = new Map<string, Outcome>();
    const over = new AbortController();
    const tokens = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => gateway.token(`client-${client}`)));
    const clients = tokens.map(async (token, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let turn = 0; !over.signal.aborted; turn += 1) {
        const label = `${client}-${turn}`;
        const outcome = await create(gateway, agent, token, label);
        outcomes.set(label, outcome);
        if (outcome.text === undefined) break;
      }
      agent.destroy();
    });
    const stream = await fetch(`${gateway.url}/graphql?query=subscription{vmEvents{seq}}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${tokens[0]}` },
    });
    const socket = await openKnownSocket(gateway.port, tokens[1] ?? '');
    socket.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { vmEvents { seq } }' } });
    // One that never says a word.
    const silent = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    await once(silent, 'connect');
    await eventually(() => outcomes.size > 2 * CLIENTS, { deadline: 30_000 });

    const begun = performance.now();
    gateway.child.kill(signal);
    const code = await gateway.exited;
    const seconds = (performance.now() - begun) / 1_000;
    over.abort();
    await Promise.all(clients);
    expect([code, gateway.lines.slice(-5)]).toEqual([0, expect.anything()]);
    expect(seconds).toBeLessThan(10);
    const { rows } = await executeSql(gateway.databaseUrl, 'select vmlabel from vm');
    const made = rows.map((row) => (row as { vmlabel: string }).vmlabel);
    const answered = [...outcomes].filter(([, { text }]) => text?.includes('"id"') === true).map(([label]) => label);
    expect(made.filter((label) => !answered.includes(label))).toEqual([]);
    expect(answered.filter((label) => !made.includes(label))).toEqual([]);
    expect([...outcomes.values()].filter(({ text, isLast }) => text !== undefined && isLast).length).toBeGreaterThan(0);
    expect(await stream.text()).toMatch(/event: complete\ndata:\n\n$/);
    expect((await socket.closed).code).toBe(GOING_AWAY);
    const line = gateway.lines
      .map((each) => (each.startsWith('{') ? (JSON.parse(each) as Record<string, unknown>) : {}))
      .find((each) => 'waitedFor' in each);
    expect(line).toMatchObject({ cut: 0 });
    expect(gateway.linesFrom(40)).toEqual([]);
  },
);

it('a second signal right after the first does not keep it from ending', { timeout: 60_000 }, async () => {
  await using gateway = await startApiProcess();
  gateway.child.kill('SIGTERM');
  gateway.child.kill('SIGINT');
  expect(await gateway.exited).toBe(0);
});
