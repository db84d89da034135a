import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Figure } from '../support/figure.ts';
import { startGateway } from '../support/gateway-under-test.ts';
import { readRss } from '../support/memory.ts';
import type { PushAnswer, PushCommand, Server } from './push-clients.ts';
import { quantile } from '../support/quantile.ts';

export interface PushOptions {
  /** The environment of the gateway that is started for this part. */
  readonly env: Readonly<Record<string, string>> & { readonly DATABASE_URL: string; readonly JWT_SECRET: string };
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  /** The number of concurrent clients of each server. */
  readonly sizes?: readonly number[];
}

const TARGETED = 400;
/** Many, because a shared machine is sometimes slow for a second. */
const ROUNDS_TO_ALL = 40;
const SETTLE_MS = 3_000;
/**
 * Warms up by connecting and disconnecting clients, because a gateway runs for weeks: neither cold code nor the
 * compiler's memory should count. Few clients at a time, because memory that they free would hide what later clients
 * use.
 */
const WARM_UP = { clients: 50, times: 20, rounds: 3 } as const;
const COLLECT_ENV = { NODE_OPTIONS: `--import=${new URL('../support/collect-on-signal.ts', import.meta.url).href}` };

/**
 * Measures the time from a commit to its receipt by a client, and the memory of a subscriber, against a `ws` server on
 * the same notifications. Both have their clients at the same time, and events are published to them in alternation.
 */
export async function measurePush(options: PushOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of options.sizes ?? [1_000, 5_000]) figures.push(...(await measureSize(size, options)));
  return figures;
}

/** Each size has its own processes, because memory freed by earlier clients would hide what new ones use. */
async function measureSize(size: number, { env, print, signal }: PushOptions): Promise<Figure[]> {
  await using undo = new AsyncDisposableStack();
  const gateway = undo.use(await startGateway({ ...env, ...COLLECT_ENV, ROLES: 'api' }));
  const floor = forkHere('push-floor.ts', { ...COLLECT_ENV, DATABASE_URL: env.DATABASE_URL });
  undo.defer(() => endChild(floor));
  const [{ port: floorPort }] = (await once(floor, 'message', { signal })) as [{ port: number }];
  const clients = forkHere('push-clients.ts', { DATABASE_URL: env.DATABASE_URL, JWT_SECRET: env.JWT_SECRET });
  undo.defer(() => endChild(clients));
  await once(clients, 'message', { signal });

  const ended = once(clients, 'exit').then(() =>
    Promise.reject(new Error('The clients of the bench ended; what they said is above.')),
  );
  ended.catch(() => undefined);
  const order = async (command: PushCommand): Promise<readonly number[]> => {
    const answered = new AbortController();
    const message = once(clients, 'message', { signal: AbortSignal.any([signal, answered.signal]) });
    message.catch(() => undefined);
    clients.send(command);
    try {
      const [{ latencies }] = (await Promise.race([message, ended])) as [PushAnswer];
      return latencies;
    } finally {
      // If the clients ended instead, nothing waits for their answer.
      answered.abort();
    }
  };
  const open = (server: Server, accounts: readonly string[]) =>
    order({ do: 'open', server, port: server === 'ours' ? gateway.port : floorPort, accounts });
  const settledMemory = async (pid: number): Promise<number> => {
    process.kill(pid, 'SIGUSR2');
    await delay(SETTLE_MS, undefined, { signal });
    return readRss(pid);
  };
  const close = async (): Promise<void> => {
    await order({ do: 'close' });
    await delay(SETTLE_MS, undefined, { signal });
  };

  for (let time = 0; time < WARM_UP.times; time += 1) {
    for (const server of ['ours', 'floor'] as const) {
      const accounts = Array.from({ length: WARM_UP.clients }, (_, index) => `warm-${time}-${server}-${index}`);
      await open(server, accounts);
      for (let round = 0; round < WARM_UP.rounds; round += 1) await order({ do: 'publish', accounts });
    }
    await order({ do: 'close' });
  }

  const figures: Figure[] = [];
  const accounts = (server: Server) => Array.from({ length: size }, (_, index) => `${server}-${size}-${index}`);
  const before = { ours: await settledMemory(gateway.pid), floor: await settledMemory(floor.pid ?? 0) };
  await open('ours', accounts('ours'));
  await open('floor', accounts('floor'));
  const memory = {
    ours: ((await settledMemory(gateway.pid)) - before.ours) / size,
    floor: ((await settledMemory(floor.pid ?? 0)) - before.floor) / size,
  };
  print(`${size} subscribers: ${memory.ours.toFixed(1)} KB each, floor ${memory.floor.toFixed(1)} KB`);
  figures.push({
    name: `memory of an idle subscriber, of ${size}`,
    ...memory,
    unit: 'KB',
    goal: { of: 'ratio', atMost: 2.5 },
  });

  const step = Math.max(1, Math.floor(size / TARGETED));
  const chosen = Array.from({ length: TARGETED }, (_, index) => (index * step) % size);
  figures.push(
    ...(await compare(
      `one of ${size} clients`,
      chosen.map((index) => [`ours-${size}-${index}`, `floor-${size}-${index}`]),
    )),
  );
  await close();

  const all = { ours: `ours-all-${size}`, floor: `floor-all-${size}` };
  for (const server of ['ours', 'floor'] as const) {
    await open(
      server,
      Array.from({ length: size }, () => all[server]),
    );
  }
  figures.push(
    ...(await compare(
      `all of ${size} clients`,
      Array.from({ length: ROUNDS_TO_ALL }, () => [all.ours, all.floor]),
    )),
  );
  return figures;

  async function compare(what: string, pairs: readonly (readonly string[])[]): Promise<Figure[]> {
    const latencies = { ours: [] as number[], floor: [] as number[] };
    // The first round does not count: subscriptions may still be starting, and code may have been collected.
    for (const [index, [ours = '', floorAccount = '']] of [...pairs, ...pairs].entries()) {
      signal.throwIfAborted();
      const taken = [
        await order({ do: 'publish', accounts: [ours] }),
        await order({ do: 'publish', accounts: [floorAccount] }),
      ];
      if (index < pairs.length) continue;
      latencies.ours.push(...(taken[0] ?? []));
      latencies.floor.push(...(taken[1] ?? []));
    }
    const at = (share: number) => ({ ours: quantile(latencies.ours, share), floor: quantile(latencies.floor, share) });
    const [p50, p99] = [at(0.5), at(0.99)];
    const line = (server: Server): string => `p50 ${p50[server].toFixed(2)} ms, p99 ${p99[server].toFixed(2)} ms`;
    print(`publish to ${what}: ${line('ours')}; floor ${line('floor')}`);
    return [
      { name: `publish to ${what}: p50`, ...p50, unit: 'ms', goal: { of: 'ratio', atMost: 1.4 } },
      { name: `publish to ${what}: p99`, ...p99, unit: 'ms', goal: { of: 'ratio', atMost: 2 } },
    ];
  }
}

function forkHere(name: string, env: Readonly<Record<string, string>>): ChildProcess {
  return fork(fileURLToPath(new URL(name, import.meta.url)), { env });
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.connected) child.disconnect();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
