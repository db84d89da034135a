import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { measureBoots } from './boot/measure-boots.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { measureIdle } from './growth/measure-idle.ts';
import { measureApps } from './ingress/measure-apps.ts';
import { measureLists } from './lists/measure-lists.ts';
import { measurePush } from './push/measure-push.ts';
import { measureScale } from './scale/measure-scale.ts';
import { parseScaleSize } from './scale/scale-options.ts';
import { formatFigures, type Figure } from './support/figure.ts';
import { withDatabase, type Bench } from './support/with-database.ts';
import { JWT_SECRET, withGateway } from './support/with-gateway.ts';

/**
 * `npm run bench` compares the gateway with a baseline that does the same work without it. Both alternate within one
 * run, so the ratios hold on a busy machine, unlike the absolute numbers. `npm run bench -- push` measures one part.
 * The bench removes everything it made, even if it is interrupted.
 */

/** The parts by name, in the order they run. */
const PARTS: Readonly<Record<string, (bench: Bench) => Promise<Figure[]>>> = {
  idle: measureIdle,
  boot: measureBoots,
  lists: (bench) =>
    withGateway(bench, async ({ gateway, databaseUrl }) =>
      measureLists({ ...bench, gateway, databaseUrl, jwtSecret: JWT_SECRET }),
    ),
  growth: (bench) =>
    withGateway(bench, async ({ gateway, databaseUrl }) =>
      measureGrowth({ ...bench, gateway, databaseUrl, jwtSecret: JWT_SECRET }),
    ),
  ingress: measureApps,
  push: (bench) =>
    withDatabase(bench, async (databaseUrl) =>
      measurePush({
        env: { DATABASE_URL: databaseUrl, DATA_DIR: path.join(bench.dataDir, 'gateway'), JWT_SECRET },
        ...bench,
      }),
    ),
};

/** Parts that run only if they are named: they take long, or have flags of their own. */
const NAMED: Readonly<Record<string, (bench: Bench, args: readonly string[]) => Promise<Figure[]>>> = {
  scale: (bench, args) =>
    withDatabase(
      bench,
      (databaseUrl) => measureScale({ ...bench, databaseUrl, jwtSecret: JWT_SECRET, size: parseScaleSize(args) }),
      // As an operator sizes the database of several gateways.
      { max_connections: '300', shared_buffers: '256MB', max_wal_size: '2GB' },
    ),
};

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
}
const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const figures = await measure(process.argv.slice(2), interrupted.signal);
  print(`\n${formatFigures(figures)}`);
} catch (error) {
  const why: unknown = interrupted.signal.aborted ? interrupted.signal.reason : error;
  process.stderr.write(`The bench failed: ${why instanceof Error ? why.message : String(why)}\n`);
  process.exitCode = 1;
}

async function measure(args: readonly string[], signal: AbortSignal): Promise<Figure[]> {
  const firstFlag = args.findIndex((arg) => arg.startsWith('-'));
  const names = firstFlag < 0 ? args : args.slice(0, firstFlag);
  const flags = args.slice(names.length);
  const known = { ...PARTS, ...NAMED };
  const unknown = names.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    throw new Error(`"${unknown}" is not a part; the parts are ${Object.keys(known).join(', ')}.`);
  if (flags.length > 0 && !names.every((name) => Object.hasOwn(NAMED, name)))
    throw new Error('Only the part scale has flags: npm run bench -- scale --nodes 10.');
  const figures: Figure[] = [];
  for (const [name, measurePart] of Object.entries(names.length === 0 ? PARTS : known)) {
    if (names.length > 0 && !names.includes(name)) continue;
    signal.throwIfAborted();
    print(`\n${name}`);
    await using undo = new AsyncDisposableStack();
    const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-bench-'));
    undo.defer(() => rm(dataDir, { recursive: true, force: true }));
    figures.push(...(await measurePart({ dataDir, print, signal }, flags)));
  }
  return figures;
}
