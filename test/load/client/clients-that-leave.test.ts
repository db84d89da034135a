import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startApiProcess, type ApiProcess } from '../../support/api/api-process.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

const WARN = 40;
/** Long enough that the kernel holds all that it takes when the token ends. */
const TOKEN_SECONDS = 10;
/** More than that, and fewer than a reader may be behind. */
const CHANGES = 100;
const STREAMS = 3;
const TWO_HEARTBEATS_MS = 24_000;

let gateway: ApiProcess;
beforeAll(async () => {
  gateway = await startApiProcess({ SOCKETS_PER_ACCOUNT: String(STREAMS) });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** An event stream whose client has read its beginning and then nothing more. */
async function openUnread(token: string): Promise<Socket> {
  // Large events: the kernel holds up to 40 MB for a client that does not read.
  const fields = Array.from({ length: 20 }, (_, index) => `s${index}: secrets { value }`).join(' ');
  const query = encodeURIComponent(`subscription { vmEvents { seq vm { ${fields} } } }`);
  const socket = connect(gateway.port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `GET /graphql?query=${query} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  let text = '';
  const onData = (chunk: Buffer): void => void (text += chunk.toString('latin1'));
  socket.on('data', onData);
  await eventually(() => text.includes('event: next'), { deadline: 5_000 });
  socket.off('data', onData).pause();
  return socket;
}

async function subscribers(): Promise<number> {
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(/^swiftor_event_subscribers (\d+)$/m.exec(metrics)?.[1]);
}

it(
  'without reading their event streams until their token ends are cut, and the gateway goes on',
  { timeout: 90_000 },
  async () => {
    const later = await gateway.token('reader');
    const id = await gateway.createVm(later, 'watched');
    const set =
      'mutation ($id: ID!, $value: String!) { setSecret(input: { vmId: $id, key: "A", value: $value }) { key } }';
    await (await gateway.post(later, set, { id, value: 'x'.repeat(32_000) })).text();
    const token = await gateway.token('reader', TOKEN_SECONDS);
    await Promise.all(Array.from({ length: STREAMS }, () => openUnread(token)));
    await executeSql(
      gateway.databaseUrl,
      `with moved as (update account set event_seq = event_seq + ${CHANGES} where user_id = 'reader' returning event_seq),
    stored as (
      insert into vm_event (user_id, seq, vm_id, kind, status)
      select 'reader', event_seq - ${CHANGES} + n, '${id}', 'CHANGED', 'STOPPED' from moved, generate_series(1, ${CHANGES}) as n
    )
    select pg_notify('vm_event', '["reader","${id}"]') from moved`,
    );
    // The source is freed with the token, though nothing of the stream can be written.
    await eventually(async () => (await subscribers()) === 0, { deadline: TOKEN_SECONDS * 1_000 + 2_000 });
    // Their connections are cut too: the account may have streams again.
    await eventually(
      async () => {
        const leaving = new AbortController();
        const headers = { accept: 'text/event-stream', authorization: `Bearer ${later}` };
        const { status } = await fetch(`${gateway.url}/graphql?query=subscription{vmEvents{seq}}`, {
          headers,
          signal: leaving.signal,
        });
        leaving.abort();
        return status === 200;
      },
      { deadline: TWO_HEARTBEATS_MS + 15_000 },
    );
    expect(gateway.child.exitCode).toBeNull();
    expect(gateway.linesFrom(WARN)).toEqual([]);
  },
);

it('in the middle of a request are no error: not a line at warn or above', async () => {
  const token = await gateway.token('hasty');
  await gateway.createVm(token, 'mine');
  const bodies = [
    '{ vms(first: 100) { nodes { id secrets { key value } networking { name } } } }',
    '{ me { userId plan { code } } }',
  ];
  await Promise.all(
    Array.from({ length: 200 }, async (_, turn) => {
      const leaving = new AbortController();
      const answer = gateway
        .post(token, bodies[turn % 2] ?? '', {}, { signal: leaving.signal })
        .then((response) => response.text());
      // Before it is read, while it runs, and while it is answered.
      setTimeout(() => leaving.abort(), turn % 20);
      await answer.catch(() => undefined);
    }),
  );
  expect((await gateway.post(token, '{ me { userId } }')).status).toBe(200);
  expect(gateway.linesFrom(WARN)).toEqual([]);
});
