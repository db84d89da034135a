import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { readCpuMs } from '../support/cpu-time.ts';
import type { Figure } from '../support/figure.ts';
import type { GatewayUnderTest } from '../support/gateway-under-test.ts';
import { fillAccounts, type ListAccount } from './list-accounts.ts';
import { LIST_WORKLOADS, type ServerName, type Workload } from './list-workloads.ts';
import { load, type LoadTarget } from '../support/load.ts';
import { readRss } from '../support/memory.ts';
import { median } from '../support/quantile.ts';

export interface ListsOptions {
  readonly gateway: GatewayUnderTest;
  readonly databaseUrl: string;
  readonly jwtSecret: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const ACCOUNTS = 1_000;
const CONNECTIONS = 32;
const ROUNDS = 7;
const ROUND_MS = 1_000;
/** V8 optimizes a server's code over some 10,000 requests, and the gateway verifies each token once. */
const WARM_UP_ANSWERS = 12_000;
const FILES: Readonly<Record<Exclude<ServerName, 'gateway'>, string>> = {
  floor: 'floor-server.ts',
  mercurius: 'peers/mercurius.ts',
  apollo: 'peers/apollo.ts',
  fastify: 'peers/fastify.ts',
};

interface Running {
  readonly port: number;
  readonly pid: number;
}

interface Round {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server's process for an answer. */
  readonly cpuUs: number;
}

/**
 * Queries that front ends send all day, for many accounts with a token each, in alternation with a minimal server and
 * with other servers that do the same.
 */
export async function measureLists(options: ListsOptions): Promise<Figure[]> {
  const { gateway, databaseUrl, jwtSecret, print, signal } = options;
  const accounts = await fillAccounts(databaseUrl, { accounts: ACCOUNTS, secret: jwtSecret });
  await using undo = new AsyncDisposableStack();
  const servers = new Map<ServerName, Running>([['gateway', gateway]]);
  const start = async (name: ServerName): Promise<Running> => {
    const known = servers.get(name);
    if (known !== undefined || name === 'gateway') return known ?? gateway;
    const child = fork(fileURLToPath(new URL(FILES[name], import.meta.url)), {
      env: { NODE_ENV: 'production', DATABASE_URL: databaseUrl, JWT_SECRET: jwtSecret },
    });
    undo.defer(async () => {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    });
    const [{ port }] = (await once(child, 'message', { signal })) as [{ port: number }];
    const running = { port, pid: child.pid ?? 0 };
    servers.set(name, running);
    return running;
  };

  const figures: Figure[] = [];
  for (const workload of LIST_WORKLOADS) {
    const names = Object.keys(workload.requests) as ServerName[];
    const targets = new Map<ServerName, LoadTarget & Running>();
    for (const name of names)
      targets.set(name, { ...(await start(name)), requestOf: requestsOf(workload, name, accounts) });
    await assertSameAnswers(workload, targets);
    const results = await alternate(targets, signal);
    for (const [name, rounds] of results) print(`${workload.name}, ${name}: ${describe(rounds)}`);
    figures.push(...figuresOf(workload, results));
  }
  print(`resident memory of the gateway after all: ${((await readRss(gateway.pid)) / 1024).toFixed(0)} MB`);
  return figures;
}

/** Requests of one account after the other. */
function requestsOf(
  { requests }: Workload,
  name: ServerName,
  accounts: readonly ListAccount[],
): (index: number) => Buffer {
  const build = requests[name];
  if (build === undefined) throw new Error(`The workload has no request for ${name}.`);
  return (index) => build(accounts[index % accounts.length] as ListAccount, index);
}

/** Alternates, so that disturbances affect all servers. */
async function alternate(
  targets: ReadonlyMap<ServerName, LoadTarget & Running>,
  signal: AbortSignal,
): Promise<Map<ServerName, Round[]>> {
  for (const target of targets.values()) {
    let answers = 0;
    while (answers < WARM_UP_ANSWERS) {
      signal.throwIfAborted();
      answers += (await load(target, CONNECTIONS, ROUND_MS)).answers;
    }
  }
  const results = new Map<ServerName, Round[]>([...targets.keys()].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, target] of targets) {
      signal.throwIfAborted();
      const before = await readCpuMs(target.pid);
      const { perSecond, p99Ms, answers } = await load(target, CONNECTIONS, ROUND_MS);
      const cpuUs = (((await readCpuMs(target.pid)) - before) * 1_000) / answers;
      results.get(name)?.push({ perSecond, p99Ms, cpuUs });
    }
  }
  return results;
}

/** Checks that all servers do the same work. */
async function assertSameAnswers({ name }: Workload, targets: ReadonlyMap<ServerName, LoadTarget>): Promise<void> {
  const answers: unknown[] = [];
  for (const { port, requestOf } of targets.values()) answers.push(await askOnce(port, requestOf(1)));
  const odd = answers.findIndex((answer) => !isDeepStrictEqual(answer, answers[0]));
  if (odd === -1) return;
  const [ours, theirs] = [answers[0], answers[odd]].map((answer) => JSON.stringify(answer));
  throw new Error(`${name}: ${[...targets.keys()][odd]} answers otherwise.\nOurs: ${ours}\nTheirs: ${theirs}`);
}

async function askOnce(port: number, bytes: Buffer): Promise<unknown> {
  const [head = '', body = ''] = bytes.toString().split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const [method = '', path = ''] = line.split(' ');
  const headers = fields.map((field) => field.split(': ', 2) as [string, string]).filter(([key]) => key !== 'host');
  const init = { method, headers, ...(body !== '' && { body }) };
  return (await fetch(`http://127.0.0.1:${port}${path}`, init)).json();
}

function figuresOf({ name, goals }: Workload, results: ReadonlyMap<ServerName, readonly Round[]>): Figure[] {
  const ours = results.get('gateway') ?? [];
  return [...results].flatMap(([peer, theirs]): Figure[] => {
    if (peer === 'gateway') return [];
    const compare = (key: keyof Round): { ours: number; floor: number; ratio: number } => ({
      ours: median(ours.map((round) => round[key])),
      floor: median(theirs.map((round) => round[key])),
      ratio: median(ours.map((round, index) => round[key] / (theirs[index]?.[key] ?? Number.NaN))),
    });
    const throughput = { name: `${name}: throughput, ${peer}`, ...compare('perSecond'), unit: 'req/s' } as const;
    const cpu = { name: `${name}: server CPU, ${peer}`, ...compare('cpuUs'), unit: 'µs' } as const;
    if (peer !== 'floor') return [{ ...throughput, goal: { of: 'ratio', atLeast: 1 } }, cpu];
    return [
      { ...throughput, goal: { of: 'ratio', atLeast: goals.throughput } },
      goals.cpu === undefined ? cpu : { ...cpu, goal: { of: 'ratio', atMost: goals.cpu } },
      { name: `${name}: p99, ${peer}`, ...compare('p99Ms'), unit: 'ms', goal: { of: 'ratio', atMost: 2 } },
    ];
  });
}

function describe(rounds: readonly Round[]): string {
  const at = (key: keyof Round, digits: number): string => median(rounds.map((round) => round[key])).toFixed(digits);
  return `${at('perSecond', 0)} req/s, ${at('cpuUs', 0)} µs of CPU each, p99 ${at('p99Ms', 1)} ms`;
}
