import pg from 'pg';
import { readCpuMs, readCpuMsOfFamily, readParent } from '../support/cpu-time.ts';

/** What a stage took, each second of it. */
export interface Usage {
  /** Cores that each gateway used. */
  readonly gateways: readonly number[];
  /** Cores that the database used. */
  readonly database: number;
  readonly commits: number;
  /** Rows that statements read from tables and indexes. */
  readonly rows: number;
  /** Tables of which many rows were read without an index, and indexes of which many entries were, with their rates. */
  readonly scans: string;
  /** What connections waited for most, with the mean number of those that did. */
  readonly waits: string;
  /** For how many seconds of it this process stood still: its figures then say little. */
  readonly stoodStill: number;
}

const SAMPLE_MS = 250;
/** A timer that comes so much too late shows that the process, and likely the machine, stood still. */
const STANDSTILL_MS = 2_000;

/** Begins to measure; the function that it returns ends it. */
export async function meterUsage(databaseUrl: string, pids: readonly number[]): Promise<() => Promise<Usage>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // When the bench is interrupted, the database ends before its clients.
  client.on('error', () => undefined);
  await client.connect();
  const waits = new Map<string, number>();
  let samples = 0;
  let last = Promise.resolve();
  const sample = async (): Promise<void> => {
    const { rows } = await client.query<{ event: string; count: number }>(
      `select wait_event_type || ' ' || wait_event as event, count(*)::int as count from pg_stat_activity
       where state = 'active' and wait_event is not null and pid <> pg_backend_pid() group by 1`,
    );
    samples += 1;
    for (const { event, count } of rows) waits.set(event, (waits.get(event) ?? 0) + count);
  };
  const begun = performance.now();
  let tickedAt = begun;
  let stoodStillMs = 0;
  const timer = setInterval(() => {
    const lateMs = performance.now() - tickedAt - SAMPLE_MS;
    if (lateMs > STANDSTILL_MS) stoodStillMs += lateMs;
    tickedAt = performance.now();
    last = last.then(sample).catch(() => undefined);
  }, SAMPLE_MS).unref();
  const before = await readState(client, pids);

  return async () => {
    clearInterval(timer);
    await last;
    const seconds = (performance.now() - begun) / 1_000;
    const after = await readState(client, pids);
    await client.end();
    const cores = (from: number, to: number): number => (to - from) / 1_000 / seconds;
    const top = [...waits].toSorted(([, one], [, other]) => other - one).slice(0, 3);
    return {
      gateways: pids.map((pid) => cores(before.cpu.get(pid) ?? 0, after.cpu.get(pid) ?? 0)),
      database: cores(before.database, after.database),
      commits: (after.commits - before.commits) / seconds,
      rows: (after.rows - before.rows) / seconds,
      scans: describeScans(before.scanned, after.scanned, seconds),
      stoodStill: stoodStillMs / 1_000,
      waits: top.map(([event, count]) => `${event} ${(count / Math.max(1, samples)).toFixed(1)}`).join(', '),
    };
  };
}

async function readState(client: pg.Client, pids: readonly number[]) {
  const { rows: totals } = await client.query<{ commits: string; rows: string }>(
    `select xact_commit as commits, tup_returned + tup_fetched as rows from pg_stat_database
     where datname = current_database()`,
  );
  const { rows: tables } = await client.query<{ name: string; scanned: string }>(
    `select relname as name, seq_tup_read as scanned from pg_stat_user_tables
     union all select indexrelname, idx_tup_read from pg_stat_user_indexes`,
  );
  const { rows: backends } = await client.query<{ pid: number }>('select pid from pg_stat_activity');
  return {
    cpu: await readTimes(pids),
    database: await readDatabase(backends.map(({ pid }) => pid)),
    commits: Number(totals[0]?.commits),
    rows: Number(totals[0]?.rows),
    scanned: new Map(tables.map(({ name, scanned }) => [name, Number(scanned)])),
  };
}

/** The two that most was read of, if it was more than 5,000 a second. */
function describeScans(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  seconds: number,
): string {
  const rates = [...after].map(([name, scanned]) => [name, (scanned - (before.get(name) ?? 0)) / seconds] as const);
  const most = rates.filter(([, rate]) => rate > 5_000).toSorted(([, one], [, other]) => other - one);
  return most
    .slice(0, 2)
    .map(([name, rate]) => `${name} ${rate.toFixed(0)}/s`)
    .join(', ');
}

async function readTimes(pids: readonly number[]): Promise<Map<number, number>> {
  return new Map(await Promise.all(pids.map(async (pid) => [pid, await readCpuMs(pid).catch(() => 0)] as const)));
}

/** The server's processes, with those that have ended. */
async function readDatabase(backends: readonly number[]): Promise<number> {
  const [first = 0] = backends;
  const times = await readTimes(backends);
  const live = [...times.values()].reduce((sum, time) => sum + time, 0);
  return live + (await readCpuMsOfFamily(await readParent(first)));
}
