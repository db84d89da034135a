import { setTimeout as delay } from 'node:timers/promises';
import type { Figure } from '../support/figure.ts';
import { startGateway } from '../support/gateway-under-test.ts';
import { readRss } from '../support/memory.ts';

export interface IdleOptions {
  /** An empty directory, where the first start creates its database. */
  readonly dataDir: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const IDLE_MS = 10_000;

/** Starts a gateway with its embedded database twice. Measures the time until it is ready, and its memory when idle. */
export async function measureIdle({ dataDir, print, signal }: IdleOptions): Promise<Figure[]> {
  const first = await startAndSettle(dataDir, signal, () => print(`idle: waiting ${IDLE_MS / 1000} s`));
  print(`first start ${first.readyMs.toFixed(0)} ms, ${first.megabytes.toFixed(0)} MB when idle`);
  signal.throwIfAborted();
  await using second = await startGateway({ DATA_DIR: dataDir });
  print(`second start ${second.readyMs.toFixed(0)} ms`);
  return [
    {
      name: 'memory of an idle gateway (VmRSS)',
      ours: first.megabytes,
      unit: 'MB',
      goal: { of: 'value', atMost: 150 },
    },
    { name: 'start to ready, with a new database', ours: first.readyMs, unit: 'ms' },
    { name: 'start to ready, again', ours: second.readyMs, unit: 'ms' },
  ];
}

async function startAndSettle(
  dataDir: string,
  signal: AbortSignal,
  onReady: () => void,
): Promise<{ readyMs: number; megabytes: number }> {
  await using gateway = await startGateway({ DATA_DIR: dataDir });
  onReady();
  await fetch(`${gateway.url}/openapi.json`).then((answer) => answer.arrayBuffer());
  await delay(IDLE_MS, undefined, { signal });
  return { readyMs: gateway.readyMs, megabytes: (await readRss(gateway.pid)) / 1024 };
}
