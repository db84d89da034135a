import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSwiftorClient, type SwiftorClient, type VmsState } from '../../../client/src/index.ts';
import { pause } from '../../../client/src/watch/pause.ts';
import { createRandom } from '../../chaos/workload/random.ts';
import { openDatabaseProxy } from '../database/database-proxy.ts';
import { openEventFixture } from '../database/event-fixture.ts';
import { eventually } from '../eventually.ts';
import { startGatewayProcess, type GatewayProcess } from '../gateway/gateway-process.ts';
import { freePort } from '../ports.ts';
import { ROOMY_LIMITS } from '../gateway/roomy-limits.ts';
import { JWT_SECRET, testToken } from '../gateway/tokens.ts';
import { writeChanges } from './write-changes.ts';

export interface SoakOptions {
  /** At least; each of `faults` happens at least once. */
  readonly seconds: number;
  readonly seed: number;
  /** The mean time between two faults. */
  readonly faultEveryMs: number;
  /** The mean time between two changes. */
  readonly changeEveryMs: number;
  /** Faults in turn, at random from then on. */
  readonly faults: readonly Fault[];
}

/** `silence`: bytes are lost in both directions and nothing ends, for longer than a client takes to notice. */
export type Fault = 'cut' | 'kill' | 'stop' | 'silence';

export interface SoakReport {
  readonly faults: Readonly<Record<Fault, number>>;
  /** Tokens that were asked for, and those that could not be had. */
  readonly tokens: number;
  readonly tokenFailures: number;
  readonly connections: number;
  readonly changes: number;
  readonly states: number;
  /** Between the commit of a change and its state, in milliseconds. */
  readonly delays: { readonly median: number; readonly longest: number };
}

const USER = 'soaker';
const TOKEN_SECONDS = 4;
/** Of the secret box of the fixture. */
const SECRETS_KEY = Buffer.alloc(32, 1).toString('base64');
const SILENCE_MS = 20_000;

/** The app: all that it knows of cuts, restarts and tokens. */
async function runApp(client: SwiftorClient, onState: (state: VmsState) => void, signal: AbortSignal): Promise<void> {
  for await (const state of client.watchVms({ signal })) onState(state);
}

/**
 * Runs an app on the client while its connections are cut, its gateway is killed and its tokens expire. Rejects if a
 * change is missing or comes twice, and if the last state is not what the database has.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seconds, seed, faultEveryMs, changeEveryMs, faults } = options;
  await using undo = new AsyncDisposableStack();
  const random = createRandom(seed);
  const fixture = undo.use(await openEventFixture());
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-soak-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const port = await freePort();
  const start = (): Promise<GatewayProcess> =>
    startGatewayProcess({
      ...ROOMY_LIMITS,
      ROLES: 'api',
      PORT: String(port),
      DATABASE_URL: fixture.databaseUrl,
      DATA_DIR: dataDir,
      JWT_SECRET,
      SECRETS_KEY,
    });
  let gateway = await start();
  undo.defer(() => gateway[Symbol.asyncDispose]());
  const proxy = undo.use(await openDatabaseProxy(`http://127.0.0.1:${port}`));

  const counts: Record<Fault, number> = { cut: 0, kill: 0, stop: 0, silence: 0 };
  let [tokens, tokenFailures, connections] = [0, 0, 0];
  const client = createSwiftorClient({
    url: proxy.url,
    token() {
      tokens += 1;
      if (random.below(10) > 0) return testToken(USER, { ttlSeconds: TOKEN_SECONDS });
      tokenFailures += 1;
      throw new Error('The issuer is away.');
    },
    onConnection: (isConnected) => void (isConnected && (connections += 1)),
  });

  const watched = new Watched();
  const leaving = new AbortController();
  undo.defer(() => leaving.abort());
  const app = runApp(client, (state) => watched.take(state), leaving.signal);
  /** An app that ends by itself has failed; what it ended with is the cause. */
  let ending: Error | undefined;
  app.then(
    () => (ending = new Error('The app has ended.')),
    (cause: unknown) => (ending = new Error(`The app has ended: ${String(cause)}`, { cause })),
  );
  const assertRuns = (): void => {
    if (ending !== undefined) throw ending;
  };
  await eventually(() => watched.states > 0);

  const restart = async (signal: NodeJS.Signals): Promise<void> => {
    gateway.child.kill(signal);
    await gateway.exited;
    await pause(1_000 * random.next(), leaving.signal);
    gateway = await start();
  };
  const perform: Readonly<Record<Fault, () => Promise<void>>> = {
    async cut() {
      proxy.set('cut');
      await pause(300 * random.next(), leaving.signal);
      proxy.set('pass');
    },
    async silence() {
      proxy.set('blackhole');
      await pause(SILENCE_MS, leaving.signal);
      proxy.set('pass');
    },
    kill: () => restart('SIGKILL'),
    stop: () => restart('SIGTERM'),
  };
  const endsAt = performance.now() + seconds * 1_000;
  const stopping = new AbortController();
  undo.defer(() => stopping.abort());
  const writing = writeChanges(fixture, { userId: USER, random, everyMs: changeEveryMs }, stopping.signal);
  for (let turn = 0; turn < faults.length || performance.now() < endsAt; turn += 1) {
    await pause(faultEveryMs * 2 * random.next());
    const fault = faults[turn] ?? random.pick(faults);
    await perform[fault]();
    counts[fault] += 1;
    assertRuns();
  }
  stopping.abort();
  await writing;

  const { event_seq } = await fixture.db
    .selectFrom('account')
    .select('event_seq')
    .where('user_id', '=', USER)
    .executeTakeFirstOrThrow();
  await eventually(() => watched.seq === event_seq, { deadline: 30_000 }).catch((error: unknown) => {
    assertRuns();
    throw new Error(`The app is at ${watched.seq}, the database at ${event_seq}.`, { cause: error });
  });
  const truth = await fixture.db.selectFrom('vm').select(['id', 'vmlabel']).where('user_id', '=', USER).execute();
  watched.compare(truth);
  leaving.abort();
  await app;
  return { faults: counts, tokens, tokenFailures, connections, ...watched.report() };
}

/** What the app has seen, checked state by state. */
class Watched {
  states = 0;
  seq = 0;
  #latest: VmsState | undefined;
  readonly #delays: number[] = [];

  take(state: VmsState): void {
    this.states += 1;
    this.#latest = state;
    for (const { seq, at } of state.changes) {
      if (seq !== this.seq + 1) throw new Error(`The change ${seq} came after ${this.seq}.`);
      this.seq = seq;
      this.#delays.push(Date.now() - Date.parse(at));
    }
  }

  compare(truth: readonly { readonly id: string; readonly vmlabel: string }[]): void {
    const lines = (vms: Iterable<{ id: string; vmlabel: string }>): string =>
      [...vms]
        .map(({ id, vmlabel }) => `${id} ${vmlabel}`)
        .toSorted()
        .join('\n');
    const [seen, expected] = [lines(this.#latest?.vms.values() ?? []), lines(truth)];
    if (seen !== expected) throw new Error(`The app has\n${seen}\nand the database\n${expected}`);
  }

  report(): Pick<SoakReport, 'changes' | 'states' | 'delays'> {
    const sorted = this.#delays.toSorted((one, other) => one - other);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return { changes: sorted.length, states: this.states, delays: { median, longest: sorted.at(-1) ?? 0 } };
  }
}
