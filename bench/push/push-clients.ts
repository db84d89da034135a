import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { WebSocket } from 'ws';
import { signToken } from '../../src/auth/jwt.ts';
import { createDatabase } from '../../src/db/database.ts';
import { runTransaction } from '../../src/db/transaction.ts';
import { insertEvent, nextEventSeq } from '../../src/events/append-event.ts';

/**
 * The clients of both servers and the publisher, in one process with one clock. The bench forks it with DATABASE_URL
 * and JWT_SECRET, and sends one command at a time.
 */
export type PushCommand =
  /** Creates the accounts' rows and connects a client for each. */
  | { readonly do: 'open'; readonly server: Server; readonly port: number; readonly accounts: readonly string[] }
  /** Publishes to one account after another, and waits until all its clients have received the event. */
  | { readonly do: 'publish'; readonly accounts: readonly string[] }
  | { readonly do: 'close' };
export type Server = 'ours' | 'floor';

/** Milliseconds from each commit to each client's receipt. Empty for other commands. */
export interface PushAnswer {
  readonly latencies: readonly number[];
}

/** The start of a new account's events, so that none is missed before the subscription is live. */
const QUERY = 'subscription { vmEvents(after: "0") { seq kind vmId status previousStatus reason at } }';
const AT_ONCE = 50;
const DEADLINE_MS = 30_000;
const DATABASE_URL = process.env['DATABASE_URL'] ?? '';
const JWT_SECRET = process.env['JWT_SECRET'] ?? '';

const db = createDatabase(DATABASE_URL, { max: 1 });
// The disk's time for a commit is the same for both and would hide the difference.
await sql`set synchronous_commit = off`.execute(db);
const sockets: WebSocket[] = [];
const clientsOf = new Map<string, number>();
let onMessage: () => void = () => undefined;

async function open({ server, port, accounts }: Extract<PushCommand, { do: 'open' }>): Promise<void> {
  await sql`insert into account (user_id, plan) select unnest(${[...new Set(accounts)]}::text[]), 'core' on conflict do nothing`.execute(
    db,
  );
  const left = [...accounts];
  const work = async (): Promise<void> => {
    for (let account = left.pop(); account !== undefined; account = left.pop()) {
      sockets.push(await (server === 'ours' ? openOurs(port, account) : openFloor(port, account)));
      clientsOf.set(account, (clientsOf.get(account) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function openFloor(port: number, account: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${account}`);
  await nextMessage(socket);
  socket.on('message', () => onMessage());
  return socket;
}

async function openOurs(port: number, account: string): Promise<WebSocket> {
  const token = await signToken(
    { userId: account, ttlSeconds: 3600 },
    { secret: JWT_SECRET, audience: 'authenticated' },
  );
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  socket.once('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
  );
  await nextMessage(socket);
  // An id like the usual client's.
  socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query: QUERY } }));
  // Answered in order, after the subscription has started.
  socket.send('{"type":"ping"}');
  await nextMessage(socket);
  socket.on('message', () => onMessage());
  return socket;
}

function nextMessage(socket: WebSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('message', () => resolve());
  socket.once('close', (code) => reject(new Error(`A client was closed with ${code}.`)));
  socket.once('error', reject);
  return promise;
}

async function publish(account: string): Promise<number[]> {
  const latencies: number[] = [];
  const wanted = clientsOf.get(account) ?? 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let begun = 0;
  onMessage = () => {
    latencies.push(performance.now() - begun);
    if (latencies.length === wanted) resolve();
  };
  const late = setTimeout(
    () => reject(new Error(`Only ${latencies.length} of ${wanted} clients got an event.`)),
    DEADLINE_MS,
  );
  await runTransaction(db, async (trx) => {
    const { seq, at } = await nextEventSeq(trx, account);
    const [vmId, previousStatus] = [randomUUID(), 'BOOTING'];
    const event = {
      userId: account,
      seq,
      vmId,
      kind: 'CHANGED',
      status: 'RUNNING',
      previousStatus,
      reason: 'BOOT',
      at,
    } as const;
    await insertEvent(trx, event, { wakeReconciler: false });
    // From the commit on.
    begun = performance.now();
  });
  await promise;
  clearTimeout(late);
  return latencies;
}

async function obey(command: PushCommand): Promise<number[]> {
  if (command.do === 'open') await open(command);
  if (command.do === 'close') {
    for (const socket of sockets.splice(0)) socket.terminate();
    clientsOf.clear();
  }
  const latencies: number[] = [];
  if (command.do === 'publish') for (const account of command.accounts) latencies.push(...(await publish(account)));
  return latencies;
}

process.on('message', (command) => {
  obey(command as PushCommand).then(
    (latencies) => process.send?.({ latencies } satisfies PushAnswer),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
process.send?.({ latencies: [] } satisfies PushAnswer);
