import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ScaleAccount } from './fill-scale.ts';
import { Histogram } from './histogram.ts';

/** What the bench asks of the clients, which live in a process of their own. */
export type SubscriberCommand =
  | { readonly do: 'open'; readonly ports: readonly number[]; readonly accounts: readonly ScaleAccount[] }
  /** Answers with what came since the last time. */
  | { readonly do: 'report' }
  /** Counts events of these VMs from then on. */
  | { readonly do: 'expect'; readonly vmIds: readonly string[]; readonly since: number }
  /** How many of the expected VMs had an event, and how many of those are RUNNING. */
  | { readonly do: 'count' };

export interface SubscriberReport {
  readonly events: number;
  /** Events that were lost or came twice, over all subscriptions so far. */
  readonly wrong: readonly string[];
  readonly p50: number;
  readonly p99: number;
  readonly told: number;
  readonly running: number;
  /** How often a subscription was refused because the gateway was busy, and was tried again. */
  readonly refused: number;
  /** The last event of each account. */
  readonly seqs: Readonly<Record<string, number>>;
}

interface ScaleEvent {
  readonly seq: string;
  readonly kind: string;
  readonly vmId: string;
  readonly status: string;
  readonly at: string;
}

const QUERY =
  'subscription ($vmId: ID, $after: String) { vmEvents(vmId: $vmId, after: $after) { seq kind vmId status at } }';
const MAX_WRONG = 20;
const RETRY_MS = 1_000;
const clients: Client[] = [];
const seqs = new Map<string, number>();
const last = new Map<string, { readonly at: number; readonly status: string }>();
const wrong: string[] = [];
let latencies = new Histogram();
let refused = 0;
let expected: readonly string[] = [];
let since = 0;

/** One socket for each account, with a subscription to all its VMs and others to single ones. */
async function open(port: number, { userId, token, vmIds }: ScaleAccount): Promise<void> {
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
    lazy: false,
  });
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client.on('connected', () => resolve());
    client.on('closed', (event) => reject(new Error(`A client was closed: ${JSON.stringify(event)}`)));
  });
  subscribe(client, userId, undefined);
  for (const vmId of vmIds) subscribe(client, userId, vmId);
}

function subscribe(client: Client, userId: string, vmId: string | undefined): void {
  let seq = 0;
  let isRefused = false;
  const fail = (what: string): void => {
    if (wrong.length < MAX_WRONG) wrong.push(`${userId}${vmId === undefined ? '' : ` ${vmId}`}: ${what}`);
  };
  // As a client does that is told to try again shortly.
  const tryAgain = (): void => {
    refused += 1;
    setTimeout(() => subscribe(client, userId, vmId), RETRY_MS * (0.5 + Math.random()));
  };
  client.subscribe<{ vmEvents: ScaleEvent }>(
    { query: QUERY, variables: { vmId, after: '0' } },
    {
      next({ data, errors }) {
        if (data == null) {
          isRefused = errors?.some(({ extensions }) => extensions?.['code'] === 'UNAVAILABLE') === true;
          return isRefused ? tryAgain() : fail(JSON.stringify(errors));
        }
        const { vmEvents: event } = data;
        // Not stored: it has the number of the last event.
        if (event.kind === 'PROGRESS') return;
        const next = Number(event.seq);
        const isRight = vmId === undefined ? next === seq + 1 : next > seq;
        if (!isRight) fail(`${next} after ${seq}`);
        seq = next;
        if (vmId !== undefined) return;
        const now = Date.now();
        seqs.set(userId, seq);
        latencies.add(now - Date.parse(event.at));
        last.set(event.vmId, { at: now, status: event.status });
      },
      error: (error) => fail(`it failed: ${error instanceof Error ? error.message : JSON.stringify(error)}`),
      complete: () => isRefused || fail('it was ended'),
    },
  );
}

async function obey(command: SubscriberCommand): Promise<SubscriberReport> {
  if (command.do === 'open') {
    const accounts = command.accounts.entries();
    const work = async (): Promise<void> => {
      for (const [index, account] of accounts) await open(command.ports[index % command.ports.length] ?? 0, account);
    };
    await Promise.all(Array.from({ length: 20 }, work));
  }
  if (command.do === 'expect') ({ vmIds: expected, since } = command);
  const seen = command.do === 'count' ? expected.map((vmId) => last.get(vmId)) : [];
  const told = seen.filter((each) => each !== undefined && each.at >= since);
  const reported = latencies;
  if (command.do === 'report') latencies = new Histogram();
  return {
    events: reported.count,
    p50: reported.quantile(0.5),
    p99: reported.quantile(0.99),
    wrong,
    refused,
    told: told.length,
    running: told.filter((each) => each?.status === 'RUNNING').length,
    seqs: command.do === 'report' ? Object.fromEntries(seqs) : {},
  };
}

process.on('message', (command) => {
  obey(command as SubscriberCommand).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
