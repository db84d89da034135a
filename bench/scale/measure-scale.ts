import { setTimeout as delay } from 'node:timers/promises';
import { executeSql } from '../../test/support/database/execute-sql.ts';
import type { Figure } from '../support/figure.ts';
import { askGateway } from '../support/gateway-under-test.ts';
import { addRunning } from './add-running.ts';
import { addAccounts, addVms, readVms, signFor, type ScaleAccount } from './fill-scale.ts';
import { publishSteadily } from './publish-steadily.ts';
import type { ScaleSize } from './scale-options.ts';
import { openRig, type ScaleRig } from './scale-rig.ts';
import { meterUsage, type Usage } from './usage-meter.ts';

interface MeasureScaleOptions {
  readonly size: ScaleSize;
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly jwtSecret: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The bound of a rate: from the beginning of a change's transaction to the subscriber. */
const MAX_P99_MS = 1_000;
const IDLE_MS = 20_000;
const FEW_VMS = 1_000;
const STARTS_AT_ONCE = 32;
const START_ATTEMPTS = 10;
const RETRY_MS = 1_000;
/** Longer than a subscription waits until it is refused, and until it is tried again. */
const SUBSCRIBED_MS = 5_000;
const TELL_MS = 60_000;
const RECOVER_MS = 600_000;
/** The simulated engine fails one start in 1,000, and the gateway tries again with a backoff. */
const MOST = 0.99;

/**
 * A cluster of many nodes, simulated, with real gateways, loops, sockets and PostgreSQL: what idle costs, how fast VMs
 * start, how late events are, how long it takes to tell the death of nodes, and that no event is lost or comes twice.
 */
export async function measureScale(options: MeasureScaleOptions): Promise<Figure[]> {
  const { size, databaseUrl, jwtSecret, print, signal } = options;
  await using rig = await openRig({ ...options, ...size });
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<{ result: T; usage: Usage }> => {
    const end = await meterUsage(
      databaseUrl,
      rig.gateways.map(({ pid }) => pid),
    );
    let usage: Usage | undefined;
    const result = await work().finally(async () => (usage = await end()));
    if (usage === undefined) throw new Error('Nothing was measured.');
    print(`${name}: ${describe(usage)}`);
    return { result, usage };
  };
  const idle = () => delay(IDLE_MS, undefined, { signal });

  await addAccounts(databaseUrl, size.sockets);
  const all = size.nodes * size.perNode;
  await addVms(databaseUrl, size.sockets, Math.min(FEW_VMS, all));
  const few = await stage(`idle with ${Math.min(FEW_VMS, all)} VMs, stopped`, idle);
  if (all > FEW_VMS) await addVms(databaseUrl, size.sockets, all - FEW_VMS);
  const many = all > FEW_VMS ? await stage(`idle with ${all} VMs, stopped`, idle) : few;

  const vms = await readVms(databaseUrl);
  const accounts = await Promise.all([...vms].map(([userId, vmIds]) => toAccount(userId, vmIds, size, jwtSecret)));
  const subscriptions = accounts.reduce((sum, { vmIds }) => sum + vmIds.length + 1, 0);
  await stage(`${subscriptions} subscriptions over ${accounts.length} sockets`, async () => {
    await rig.order({ do: 'open', ports: rig.gateways.map(({ port }) => port), accounts });
    await awaitSubscribed(rig, signal);
  });

  const running = shuffle([...vms].flatMap(([userId, vmIds]) => vmIds.map((vmId) => ({ userId, vmId })))).slice(
    0,
    size.running,
  );
  const found = running.slice(size.booted).map(({ vmId }) => vmId);
  const taken = await stage(`taking over ${found.length} VMs that run`, async () => {
    const begun = performance.now();
    await addRunning(rig, { databaseUrl, dataDir: options.dataDir, nodes: size.nodes, vmIds: found });
    await awaitTaken(databaseUrl, found.length, signal);
    return found.length / ((performance.now() - begun) / 1_000);
  });
  const started = running.slice(0, size.booted);
  const boots = await stage(`start of ${started.length} VMs`, async () => {
    const begun = performance.now();
    await rig.order({ do: 'expect', vmIds: started.map(({ vmId }) => vmId), since: 0 });
    const refused = await startAll(rig, started, jwtSecret, signal);
    if (refused > 0) print(`${refused} starts were refused as UNAVAILABLE, and sent again`);
    await awaitCount(rig, started.length, 'running', signal);
    return started.length / ((performance.now() - begun) / 1_000);
  });
  const bootReport = await rig.order({ do: 'report' });
  print(`${boots.result.toFixed(0)} VMs/s; ${say(bootReport)}`);
  const busy = await stage(`idle with ${size.running} VMs, running`, idle);

  const pairs = shuffle([...vms].flatMap(([userId, vmIds]) => vmIds.map((vmId) => [userId, vmId] as const)));
  const rates = await findRates(options, rig, pairs, stage);

  const deaths = await stage('death of nodes', () => killNodes(rig, size, signal));
  const { dead, toldMs, recoveredMs } = deaths.result;
  print(`${dead} VMs died: told in ${toldMs.toFixed(0)} ms, run again after ${recoveredMs.toFixed(0)} ms`);

  const wrong = await findWrong(rig, databaseUrl, signal);
  for (const line of wrong) print(`WRONG: ${line}`);
  const cores = ({ gateways, database }: Usage): number => gateways.reduce((sum, each) => sum + each, database) * 100;
  return [
    { name: `idle CPU that ${all} stopped VMs add`, ours: cores(many.usage) - cores(few.usage), unit: '%' },
    { name: `CPU for each running VM`, ours: (cores(busy.usage) - cores(many.usage)) / size.running, unit: '%' },
    { name: 'VMs that run, taken over', ours: taken.result, unit: '/s' },
    { name: 'VMs started', ours: boots.result, unit: '/s' },
    ...rates,
    {
      name: `death of ${dead} VMs, until all are told`,
      ours: toldMs,
      unit: 'ms',
      goal: { of: 'value', atMost: TELL_MS },
    },
    { name: 'events lost or doubled', ours: wrong.length, unit: '', goal: { of: 'value', atMost: 0 } },
  ];
}

/** Doubles the rate of events until they come too late, or are not written any faster. */
async function findRates(
  { size, databaseUrl, signal }: MeasureScaleOptions,
  rig: ScaleRig,
  vms: readonly (readonly [string, string])[],
  stage: <T>(name: string, work: () => Promise<T>) => Promise<{ result: T; usage: Usage }>,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (let perSecond = size.rate; perSecond <= 16_000; perSecond *= 2) {
    await rig.order({ do: 'report' });
    const seconds = size.minutes * 60;
    const { result } = await stage(`${perSecond} events a second`, () =>
      publishSteadily({ databaseUrl, vms, perSecond, seconds, signal }),
    );
    await delay(2_000, undefined, { signal });
    const { p99 } = await rig.order({ do: 'report' });
    const goal = { of: 'value', atMost: MAX_P99_MS } as const;
    const name = `${perSecond} events/s wanted, ${result.toFixed(0)} written: p99 to the subscriber`;
    figures.push({ name, ours: p99, unit: 'ms', ...(perSecond === size.rate && { goal }) });
    if (p99 > MAX_P99_MS || result < perSecond * 0.9) break;
  }
  return figures;
}

/** Ends nodes at once, until enough VMs have died. */
async function killNodes(rig: ScaleRig, { deaths }: ScaleSize, signal: AbortSignal) {
  const dying: string[] = [];
  const killed: string[] = [];
  for (const [node, machines] of Map.groupBy(rig.nodes, ([, each]) => each)) {
    if (dying.length >= deaths) break;
    dying.push(...machines.map(([id]) => id));
    killed.push(node);
  }
  await rig.order({ do: 'expect', vmIds: dying, since: Date.now() });
  const begun = performance.now();
  for (const node of killed) rig.kill(node);
  await awaitCount(rig, dying.length, 'told', signal);
  const toldMs = performance.now() - begun;
  await awaitCount(rig, dying.length, 'running', signal);
  return { dead: dying.length, toldMs, recoveredMs: performance.now() - begun };
}

/** Until none of the subscriptions is refused any more. */
async function awaitSubscribed(rig: ScaleRig, signal: AbortSignal): Promise<void> {
  let refused = -1;
  for (;;) {
    const report = await rig.order({ do: 'count' });
    if (report.refused === refused) return;
    refused = report.refused;
    await delay(SUBSCRIBED_MS, undefined, { signal });
  }
}

/** Until gateways ask the apps of so many VMs. */
async function awaitTaken(databaseUrl: string, vms: number, signal: AbortSignal): Promise<void> {
  for (const until = performance.now() + RECOVER_MS; ; await delay(500, undefined, { signal })) {
    const { rows } = await executeSql(databaseUrl, 'select count(*)::int as taken from vm where watcher is not null');
    const [{ taken } = { taken: 0 }] = rows as { taken: number }[];
    if (taken >= Math.floor(vms * MOST)) return;
    if (performance.now() > until) throw new Error(`Only ${taken} of ${vms} VMs were taken over in time.`);
  }
}

async function awaitCount(rig: ScaleRig, vms: number, what: 'told' | 'running', signal: AbortSignal): Promise<void> {
  const wanted = what === 'told' ? vms : Math.floor(vms * MOST);
  for (const until = performance.now() + RECOVER_MS; ; await delay(250, undefined, { signal })) {
    const report = await rig.order({ do: 'count' });
    if (report[what] >= wanted) return;
    if (performance.now() > until)
      throw new Error(`Only ${report[what]} of ${vms} VMs were ${what} within ${RECOVER_MS / 1_000} s.`);
  }
}

/** Resolves to how often a start was refused because the database was busy. */
async function startAll(
  { gateways }: ScaleRig,
  vms: readonly { readonly userId: string; readonly vmId: string }[],
  secret: string,
  signal: AbortSignal,
): Promise<number> {
  let refused = 0;
  const tokens = new Map<string, string>();
  const left = vms.entries();
  const work = async (): Promise<void> => {
    for (const [index, { userId, vmId }] of left) {
      const token = tokens.get(userId) ?? (await signFor(userId, secret));
      tokens.set(userId, token);
      const { url = '' } = gateways[index % gateways.length] ?? {};
      const start = () => askGateway(url, token, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id: vmId });
      for (let attempt = 1; ; attempt += 1) {
        try {
          await start();
          break;
        } catch (error) {
          // As a client does that is told to try again shortly.
          if (attempt === START_ATTEMPTS || !String(error).includes('UNAVAILABLE')) throw error;
          refused += 1;
          await delay(RETRY_MS, undefined, { signal });
        }
      }
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, work));
  return refused;
}

/** What subscribers found wrong, and the accounts whose last event has not come. */
async function findWrong(rig: ScaleRig, databaseUrl: string, signal: AbortSignal): Promise<string[]> {
  for (let round = 0; ; round += 1) {
    const { rows } = await executeSql(databaseUrl, 'select user_id, event_seq from account');
    const { seqs, wrong } = await rig.order({ do: 'report' });
    const late = (rows as { user_id: string; event_seq: string }[]).filter(
      ({ user_id: userId, event_seq: seq }) => (seqs[userId] ?? 0) < Number(seq),
    );
    // VMs go on changing: an event may be under way.
    if (late.length === 0 || round === 20)
      return [...wrong, ...late.map(({ user_id: userId }) => `${userId} lacks its last event`)];
    await delay(500, undefined, { signal });
  }
}

async function toAccount(
  userId: string,
  vmIds: readonly string[],
  { subscriptionsPerSocket }: ScaleSize,
  secret: string,
): Promise<ScaleAccount> {
  return { userId, token: await signFor(userId, secret), vmIds: vmIds.slice(0, subscriptionsPerSocket - 1) };
}

function say({ events, p50, p99 }: { events: number; p50: number; p99: number }): string {
  return `${events} events, p50 ${p50} ms, p99 ${p99} ms`;
}

function describe({ gateways, database, commits, rows, scans, waits, stoodStill }: Usage): string {
  const each = gateways.map((cores) => cores.toFixed(2)).join(' + ');
  const work = `${commits.toFixed(0)} commits/s, ${rows.toFixed(0)} rows/s${scans && `, most of ${scans}`}`;
  const still = stoodStill > 0 ? `; STOOD STILL for ${stoodStill.toFixed(0)} s` : '';
  return `gateways ${each} cores, database ${database.toFixed(2)}; ${work}; waits: ${waits || 'none'}${still}`;
}

function shuffle<T>(values: T[]): T[] {
  for (let at = values.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [values[at], values[other]] = [values[other] as T, values[at] as T];
  }
  return values;
}
