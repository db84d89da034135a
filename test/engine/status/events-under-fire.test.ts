import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { SLOW_READER_REASON } from '../../../src/events/event-reader.ts';
import { SLOW_READER_CODE } from '../../../src/graphql/transports/ws-connection.ts';
import { sql } from 'kysely';
import { eventually } from '../../support/eventually.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { createVm, EVENTS, type SeenEvent } from '../../support/vm/vms.ts';

let one: TestGateway;
let two: TestGateway;
let db: Db;
beforeAll(async () => {
  one = await createTestGateway({ env: { ROLES: 'api' } });
  two = await createTestGateway({ databaseUrl: one.databaseUrl, env: { ROLES: 'api' } });
  db = createDatabase(one.databaseUrl);
});
afterAll(async () => {
  await db.destroy();
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
});

/** Numbers that are random, and the same in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function rename(gateway: TestGateway, token: string, id: string, vmlabel: string): Promise<void> {
  const { errors } = await gateway.graphql(
    token,
    'mutation ($input: UpdateVmInput!) { updateVm(input: $input) { id } }',
    {
      input: { id, vmlabel },
    },
  );
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
}

/** Reads over WebSocket from the cursor until `cutAfter` events came, then cuts the connection as a network does. */
async function readAndCut(
  gateway: TestGateway,
  token: string,
  after: string | undefined,
  cutAfter: number,
  patienceMs: number,
): Promise<SeenEvent[]> {
  const client = gateway.subscribe(token);
  const seen: SeenEvent[] = [];
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, patienceMs);
  client.subscribe<{ vmEvents: SeenEvent }>(
    { query: EVENTS, variables: after === undefined ? {} : { after } },
    {
      next: ({ data }) => {
        if (data?.vmEvents === undefined || data.vmEvents === null || seen.length >= cutAfter) return;
        seen.push(data.vmEvents);
        if (seen.length >= cutAfter) enough.resolve();
      },
      error: () => enough.resolve(),
      complete: () => enough.resolve(),
    },
  );
  await enough.promise;
  clearTimeout(timer);
  client.terminate();
  await client.dispose();
  return seen;
}

/** The same over SSE, with the cursor in Last-Event-ID. */
async function readSseAndCut(
  gateway: TestGateway,
  token: string,
  after: string | undefined,
  cutAfter: number,
  patienceMs: number,
): Promise<SeenEvent[]> {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(), patienceMs);
  const seen: SeenEvent[] = [];
  let text = '';
  try {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      body: JSON.stringify({ query: 'subscription { vmEvents { seq kind vmId status previousStatus reason } }' }),
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...(after !== undefined && { 'last-event-id': after }),
      },
      signal: leaving.signal,
    });
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk);
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined && seen.length < cutAfter)
          seen.push((JSON.parse(data) as { data: { vmEvents: SeenEvent } }).data.vmEvents);
      }
      if (seen.length >= cutAfter) break;
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    leaving.abort();
  }
  return seen;
}

describe('a client that is disconnected hundreds of times and reconnects to either gateway', () => {
  it.each([
    ['over WebSocket', 11, readAndCut],
    ['over SSE', 23, readSseAndCut],
  ])(
    '%s sees every event once and in order',
    async (_how, seed, read) => {
      const user = `cut-${seed}`;
      const token = await one.token(user);
      const random = seeded(seed);
      const ids = [await createVm(one, token), await createVm(two, token), await createVm(one, token)];
      const changes = 200;
      const writing = Promise.all(
        [one, two].map(async (gateway, writer) => {
          for (let count = 0; count < changes; count += 1)
            await rename(gateway, token, ids[count % 3] ?? '', `writer ${writer} change ${count}`);
        }),
      );
      const events: SeenEvent[] = [];
      let cuts = 0;
      const last = ids.length + 2 * changes;
      while (Number(events.at(-1)?.seq ?? 0) < last) {
        const gateway = random() < 0.5 ? one : two;
        // Also before the first event, and in the middle of the snapshots.
        const part = await read(gateway, token, events.at(-1)?.seq, Math.floor(random() * 4), 20 + random() * 100);
        events.push(...part);
        cuts += 1;
        if (cuts > 3_000) throw new Error(`After ${cuts} cuts the client is at ${events.at(-1)?.seq} of ${last}.`);
      }
      await writing;
      expect(cuts).toBeGreaterThan(100);
      // A cursor that is kept is replayed: snapshots come at the beginning only.
      const beginning = events.findIndex(({ kind }) => kind !== 'SNAPSHOT');
      expect(events.slice(beginning).filter(({ kind }) => kind === 'SNAPSHOT')).toEqual([]);
      const changed = events
        .filter(({ kind }) => kind === 'CHANGED' || kind === 'CREATED')
        .map(({ seq }) => Number(seq));
      // From its first one on: the snapshots include what came before it.
      expect(changed).toEqual(Array.from({ length: changed.length }, (_, index) => (changed[0] ?? 0) + index));
      expect(changed.at(-1)).toBe(last);
    },
    60_000,
  );
});

/** A client of the WebSocket protocol that can leave its socket unread. */
async function rawSubscriber(gateway: TestGateway, token: string): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = connect(gateway.port, '127.0.0.1');
  const key = randomBytes(16).toString('base64');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
  );
  const received = (): Buffer => Buffer.concat(chunks);
  await eventually(() => received().includes('101 Switching'));
  socket.write(frame({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await eventually(() => received().includes('connection_ack'));
  // A long selection, so that what the kernel buffers is soon full.
  const fields = Array.from({ length: 40 }, (_, index) => `l${index}: vmlabel`).join(' ');
  socket.write(
    frame({ id: '1', type: 'subscribe', payload: { query: `subscription { vmEvents { seq vm { ${fields} } } }` } }),
  );
  await eventually(() => received().includes('"next"'));
  return { socket, received };
}

/** A masked text frame, as a client must send it; the mask is all zeros. */
function frame(message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  const head =
    text.length < 126
      ? Buffer.of(0x81, 0x80 | text.length)
      : Buffer.of(0x81, 0xfe, text.length >> 8, text.length & 0xff);
  return Buffer.concat([head, Buffer.alloc(4), text]);
}

async function readers(gateway: TestGateway): Promise<number> {
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(/^swiftor_event_subscribers (\d+)$/m.exec(metrics)?.[1]);
}

/** Many changes of one VM at once, each with its event: faster than any client reads. */
async function flood(userId: string, vmId: string, count: number): Promise<number> {
  const { rows } = await sql<{ event_seq: number }>`
    with moved as (update account set event_seq = event_seq + ${count} where user_id = ${userId} returning event_seq),
    stored as (
      insert into vm_event (user_id, seq, vm_id, kind, status)
      select ${userId}, event_seq - ${count} + n, ${vmId}, 'CHANGED', 'STOPPED' from moved, generate_series(1, ${count}) as n
    )
    select event_seq, pg_notify('vm_event', ${JSON.stringify([userId, vmId])}) from moved
  `.execute(db);
  return rows[0]?.event_seq ?? 0;
}

describe('a reader that does not read', () => {
  it('is closed with a code and a reason, frees its memory, and resumes without a gap', async () => {
    const token = await one.token('stuck');
    const id = await createVm(one, token, { vmlabel: 'x'.repeat(100) });
    const { socket, received } = await rawSubscriber(one, token);
    const before = Number(/"seq":"(\d+)"/.exec(received().toString('latin1'))?.[1]);
    socket.pause();
    let last = 0;
    await eventually(
      async () => {
        last = await flood('stuck', id, 1_500);
        return (await readers(one)) === 0;
      },
      { deadline: 20_000 },
    );
    socket.resume();
    await eventually(() => received().includes(SLOW_READER_REASON), { deadline: 20_000 });
    socket.destroy();
    const text = received().toString('latin1');
    // The close frame carries the code in its first two bytes, then the reason.
    expect(text).toContain(
      `${String.fromCharCode(SLOW_READER_CODE >> 8, SLOW_READER_CODE & 0xff)}${SLOW_READER_REASON}`,
    );
    const seqs = [...text.matchAll(/"seq":"(\d+)"/g)].map(([, seq]) => Number(seq));
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => before + index));
    const rest = await readAndCut(one, token, String(seqs.at(-1)), last - (seqs.at(-1) ?? 0), 20_000);
    expect(rest.map(({ seq }) => Number(seq))).toEqual(
      Array.from({ length: rest.length }, (_, index) => (seqs.at(-1) ?? 0) + 1 + index),
    );
    expect(rest.at(-1)?.seq).toBe(String(last));
  }, 60_000);

  it('is closed within 30 s when its connection is half open and no pong comes back', async () => {
    const token = await two.token('half-open');
    await createVm(two, token);
    // It reads all that comes, and says nothing: what is left of a client whose network went away.
    const { socket } = await rawSubscriber(two, token);
    expect(await readers(two)).toBe(1);
    const begun = performance.now();
    await once(socket, 'close');
    expect(performance.now() - begun).toBeLessThan(30_000);
    await eventually(async () => (await readers(two)) === 0);
  }, 40_000);

  it('does not delay other readers', async () => {
    const token = await one.token('crowd');
    const id = await createVm(one, token);
    const stuck = await Promise.all(Array.from({ length: 20 }, () => rawSubscriber(one, token)));
    for (const { socket } of stuck) socket.pause();
    const clients = Array.from({ length: 60 }, () => one.subscribe(token));
    const arrivals: number[] = [];
    let wanted = 0;
    let sentAt = 0;
    for (const client of clients) {
      client.subscribe<{ vmEvents: SeenEvent }>(
        { query: EVENTS },
        {
          next: ({ data }) => void (Number(data?.vmEvents.seq) === wanted && arrivals.push(performance.now() - sentAt)),
          error: () => undefined,
          complete: () => undefined,
        },
      );
    }
    await eventually(async () => (await readers(one)) === 80);
    for (let round = 0; round < 20; round += 1) {
      arrivals.length = 0;
      wanted =
        (await db.selectFrom('account').select('event_seq').where('user_id', '=', 'crowd').executeTakeFirstOrThrow())
          .event_seq + 1;
      sentAt = performance.now();
      await rename(one, token, id, `round ${round}`);
      await eventually(() => arrivals.length === clients.length, { deadline: 5_000 });
      expect(Math.max(...arrivals)).toBeLessThan(1_000);
    }
    for (const client of clients) await client.dispose();
    for (const { socket } of stuck) socket.destroy();
    await eventually(async () => (await readers(one)) === 0);
  }, 60_000);
});
