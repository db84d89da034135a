import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, globSync, mkdtempSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { History } from './checks/history.ts';
import { detachLoops, listLoops } from './workload/loops.ts';
import { getNemeses, NEMESES } from './nemeses/nemeses.ts';
import type { Nemesis } from './nemeses/nemesis.ts';
import { createRandom } from './workload/random.ts';
import { describeRound, renderReport } from './report.ts';
import { createRig, INSTALLATIONS } from './rig/rig.ts';
import { leave, runRound, settleIn, type RoundResult, type World } from './round.ts';

const USAGE = `npm run chaos -- [--seed N] [--faults a,b] [--minutes M] [--vms K] [--accounts A] [--logs FOLDER]
  Faults, one a round, on two gateways with a database and an engine of their own (root; this machine's engine is not touched).
  --minutes 0: each of the faults once. --logs: what the gateways and the engine wrote in rounds that failed.
  Faults: ${[...NEMESES.keys()].join(', ')}`;

/** Set for the process that has namespaces of its own. */
const INSIDE = 'SWIFTOR_CHAOS_INSIDE';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    faults: { type: 'string', default: [...NEMESES.keys()].join(',') },
    minutes: { type: 'string', default: '0' },
    vms: { type: 'string', default: '8' },
    accounts: { type: 'string', default: '3' },
    logs: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const numberOf = (name: 'seed' | 'minutes' | 'vms' | 'accounts'): number => {
  if (!/^\d{1,10}$/.test(values[name])) throw new Error(`--${name} is "${values[name]}"; it takes a whole number.`);
  return Number(values[name]);
};

if (values.help) process.stdout.write(`${USAGE}\n`);
else if (process.env[INSIDE] === undefined) runInside();
// Node 24 can spin for ever when it closes what is left at a natural end.
else process.exit(await run(getNemeses(values.faults.split(','))));

/**
 * This program again, in namespaces of its own: the engine gets networks and firewall rules that nobody else sees, and
 * whatever happens to this process, everything that it started and mounted goes with it.
 */
function runInside(): void {
  if (process.getuid?.() !== 0) throw new Error('npm run chaos runs an engine of its own, which needs root.');
  const folder = mkdtempSync(path.join(tmpdir(), 'swiftor-chaos-'));
  // PostgreSQL runs as another user.
  chmodSync(folder, 0o711);
  const isolate = [
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child=SIGKILL',
    '--propagation',
    'private',
    '--mount-proc',
  ];
  const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(
    'unshare',
    [...isolate, 'docker-init', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...self],
    {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: '1', TMPDIR: folder },
    },
  );
  // unshare ignores these: the one inside ends in order, and then this one.
  const pass = async (name: NodeJS.Signals): Promise<void> => {
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
    for (const pid of children.split(' ').filter(Boolean)) process.kill(Number(pid), name);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => void pass(name));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
    void removeTraces(folder);
  });
}

/** What is the kernel's and so outlives the namespaces; and the folder itself. */
async function removeTraces(folder: string): Promise<void> {
  const ids = (await readFile(path.join(folder, INSTALLATIONS), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const isOwn = (name: string): boolean => ids.some((id) => name.startsWith(id));
  await detachLoops((await listLoops()).map((loop) => loop.folder).filter(isOwn));
  for (const link of globSync('/dev/swiftor/*')) if (isOwn(path.basename(link))) await rm(link);
  // The deepest first.
  for (const group of globSync(`/sys/fs/cgroup/{,*/}${path.basename(folder)}{,/**}`)
    .toSorted()
    .toReversed())
    await rmdir(group).catch(() => undefined);
  await rm(folder, { recursive: true });
}

async function run(nemeses: readonly Nemesis[]): Promise<number> {
  const interrupted = new AbortController();
  const broken = once(interrupted.signal, 'abort').then(() => undefined);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  const [seed, minutes] = [numberOf('seed'), numberOf('minutes')];
  const random = createRandom(seed);
  const until = Date.now() + minutes * 60_000;
  const results: RoundResult[] = [];
  const possible = await keepPossible(nemeses);
  say(`seed ${seed}, ${possible.length} faults`);

  let world: (World & AsyncDisposable) | undefined;
  try {
    for (
      let n = 0;
      !interrupted.signal.aborted && possible.length > 0 && (n < possible.length || Date.now() < until);
      n += 1
    ) {
      const nemesis = possible[n % possible.length];
      if (nemesis === undefined) break;
      const round = (async () => runRound((world ??= await createWorld(random.below(2 ** 31))), nemesis))().catch(
        (error: unknown): RoundResult => failed(nemesis, error),
      );
      const result = await Promise.race([round, broken]);
      if (result === undefined) break;
      results.push(result);
      say(`${String(n + 1).padStart(3)} ${describeRound(result)}`);
      if (result.violations.length === 0 && nemesis.isLast !== true) continue;
      if (world === undefined) continue;
      if (result.violations.length > 0 && values.logs !== undefined)
        await keepLogs(world, path.join(values.logs, `${n + 1}-${nemesis.name}`), result);
      // What one round broke is no finding of the next.
      const used = world;
      world = undefined;
      await end(used);
    }
  } finally {
    if (world !== undefined) await end(world);
  }
  if (results.length > 0) say(`\n${renderReport(results)}`);
  // The round that was broken off is still waiting for something.
  if (interrupted.signal.aborted) process.exit(1);
  return results.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

async function createWorld(seed: number): Promise<World & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const folder = path.join(tmpdir(), `rig-${seed}`);
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const rig = parts.use(await createRig({ folder, accounts: numberOf('accounts'), engine: 'own' }));
  const world: World = {
    rig,
    history: new History(),
    random: createRandom(seed),
    vms: numberOf('vms'),
    subscribers: [],
  };
  parts.defer(() => leave(world));
  await settleIn(world);
  const held = parts.move();
  return { ...world, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What cannot be ended goes with the namespaces; the rounds that follow do not need it. */
async function end(world: AsyncDisposable): Promise<void> {
  try {
    await world[Symbol.asyncDispose]();
  } catch (error) {
    say(`    a part of the rig could not be ended: ${String(error)}`);
  }
}

async function keepPossible(nemeses: readonly Nemesis[]): Promise<readonly Nemesis[]> {
  const possible: Nemesis[] = [];
  for (const nemesis of nemeses) {
    const obstacle = await nemesis.findObstacle?.();
    if (obstacle === undefined) possible.push(nemesis);
    else say(`${nemesis.name} is skipped: ${obstacle}`);
  }
  return possible;
}

function failed({ name }: Nemesis, error: unknown): RoundResult {
  const what =
    error instanceof Error
      ? `the round broke off: ${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
      : String(error);
  return {
    nemesis: name,
    acknowledged: 0,
    starts: 0,
    kills: 0,
    convergedMs: undefined,
    readTimes: [],
    violations: [{ kind: 'status', what }],
  };
}

async function keepLogs({ rig }: World, folder: string, { violations }: RoundResult): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'engine-calls'), rig.engineProxy.calls.join('\n'));
  await writeFile(path.join(folder, 'violations'), violations.map(({ kind, what }) => `${kind}: ${what}\n`).join(''));
  for (const { name, lines } of rig.gateways) await writeFile(path.join(folder, `${name}.log`), lines.join('\n'));
  if (rig.engine !== undefined) await copyFile(rig.engine.logFile, path.join(folder, 'engine.log'));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
