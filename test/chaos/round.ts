import { setTimeout as sleep } from 'node:timers/promises';
import { checkBystanders, findBystanders } from './rig/bystanders.ts';
import { checkFacts } from './checks/check-facts.ts';
import type { Facts } from './checks/facts.ts';
import type { GatewayUsage } from './rig/gateway-slot.ts';
import type { History } from './checks/history.ts';
import { checkMarkers, writeMarkers } from './rig/markers.ts';
import type { Nemesis, Reach } from './nemeses/nemesis.ts';
import { observeFacts } from './checks/observe-facts.ts';
import type { Random } from './workload/random.ts';
import type { Rig } from './rig/rig.ts';
import { Subscriber } from './workload/subscriber.ts';
import type { Violation } from './checks/violation.ts';
import { perform, runOperations, runReads, runSamples } from './workload/workload.ts';

export interface RoundResult {
  readonly nemesis: string;
  readonly acknowledged: number;
  readonly starts: number;
  readonly kills: number;
  /** From the end of the fault until nothing contradicts what was promised; undefined when that did not come. */
  readonly convergedMs: number | undefined;
  readonly readTimes: readonly number[];
  readonly violations: readonly Violation[];
}

export interface World {
  readonly rig: Rig;
  readonly history: History;
  readonly random: Random;
  /** VMs of an account at most. */
  readonly vms: number;
  readonly subscribers: Subscriber[];
  /** Whether rounds do not wait for what is swept, and do not count it; by default they do, for minutes. */
  readonly ignoresSwept?: boolean;
}

/** Of each account's first VMs, that run all the time. */
const BYSTANDERS = 2;
/** How soon everything must be as promised after a fault; it is waited for twice as long, to tell late from never. */
const CONVERGED_MS = 30_000;
const REST_MS = 2 * CONVERGED_MS;
/**
 * What nothing needs any more is swept once that is certain: a command's container, a trial of storage, what a deletion
 * missed.
 */
const SWEPT_MS = 4 * 60_000;
const LOOK_EVERY_MS = 500;
const LEAD_MS = 1_500;
/** A connection between requests is kept for so long at most. */
const IDLE_MS = 90_000;
const HANDLES_MORE = 40;
const BYTES_MORE = 150 * 2 ** 20;

/** Makes the VMs that run all the time, and begins to follow the events of each account. */
export async function settleIn(world: World): Promise<void> {
  const { rig, history } = world;
  for (const account of rig.accounts) {
    for (let n = 0; n < BYSTANDERS; n += 1)
      await perform(world, account, { kind: 'create', label: `bystander ${n}`, persistent: n === 0 });
  }
  for (const [id, vm] of history.vms) {
    const account = rig.accounts.find(({ userId }) => userId === vm.userId);
    if (account !== undefined) await perform(world, account, { kind: 'start', vmId: id });
    history.vms.set(id, { ...(history.vms.get(id) ?? vm), isBystander: true });
  }
  await resubscribe(world);
}

export async function leave({ subscribers }: World): Promise<void> {
  for (const subscriber of subscribers.splice(0)) await subscriber[Symbol.asyncDispose]();
}

/** One fault while users work, then quiet, then every check. */
export async function runRound(world: World, nemesis: Nemesis): Promise<RoundResult> {
  const { rig, history, random, subscribers } = world;
  const before = await comeToRest(world);
  const first = before.violations.find(({ isSwept }) => isSwept !== true);
  if (first !== undefined) throw new Error(`It was not at rest before: ${first.what}`);
  history.settle(before.facts);
  await writeMarkers(rig, before.facts);
  const ids = new Set([...history.vms.values()].filter(({ isBystander }) => isBystander).map(({ id }) => id));
  const bystanders = findBystanders(before.facts, ids);
  const usages = await readUsages(rig);
  const [starts, kills, acknowledged] = [sumOf(rig, 'starts'), sumOf(rig, 'kills'), history.acknowledged];

  const ending = new AbortController();
  const { signal } = ending;
  const running = [
    runReads(world, signal),
    runSamples(world, signal),
    ...(nemesis.isQuiet === true ? [] : [runOperations(world, signal)]),
  ];
  const reach: Reach = {
    rig,
    history,
    random,
    observe: () => observeFacts(rig),
    perform: (account, operation) => perform(world, account, operation),
    comeToRest: async () => void (await comeToRest(world)),
    resubscribe: () => resubscribe(world),
  };
  let heal: () => Promise<void>;
  try {
    await sleep(LEAD_MS);
    history.readTimes.length = 0;
    heal = await nemesis.begin(reach);
    await sleep(nemesis.seconds * 1_000);
    await heal();
  } finally {
    ending.abort();
    await Promise.all(running);
  }
  const readTimes = [...history.readTimes];
  const { violations, ms, facts, last } = await comeToRest(world);
  const late: Violation[] = [
    ...violations,
    ...(ms !== undefined && ms > CONVERGED_MS
      ? [{ kind: 'status' as const, what: `it took ${Math.round(ms / 1_000)} s until this was over: ${last?.what}` }]
      : []),
    ...(nemesis.endsContainers === true ? [] : checkBystanders(bystanders, facts)),
    ...(await checkMarkers(rig, before.facts, facts, history.robbed)),
    ...(await checkUsages(rig, usages)),
    ...subscribers.flatMap(({ userId, transport, gaps }) =>
      gaps
        .splice(0)
        .map((what): Violation => ({ kind: 'gap', what: `the ${transport} subscriber of ${userId} ${what}` })),
    ),
    ...rig.gateways.flatMap(({ badEnds }) => badEnds.splice(0).map((what): Violation => ({ kind: 'exit', what }))),
    ...rig.gateways.flatMap(({ name, lines }): Violation[] =>
      lines.some((line) => line.includes('MaxListenersExceededWarning'))
        ? [{ kind: 'leak', what: `${name} warns of too many listeners` }]
        : [],
    ),
    ...history.violations.splice(0),
  ];
  return {
    nemesis: nemesis.name,
    acknowledged: history.acknowledged - acknowledged,
    starts: sumOf(rig, 'starts') - starts,
    kills: sumOf(rig, 'kills') - kills,
    convergedMs: ms,
    readTimes,
    violations: late,
  };
}

const sumOf = (rig: Rig, what: 'starts' | 'kills'): number =>
  rig.gateways.reduce((sum, gateway) => sum + gateway[what], 0);

/**
 * Waits until nothing contradicts what was promised. What still does at the end of the patience, and after how long
 * nothing did but what is swept.
 */
async function comeToRest(
  world: World,
): Promise<{ facts: Facts; violations: readonly Violation[]; ms: number | undefined; last: Violation | undefined }> {
  const { rig, history, subscribers } = world;
  const begun = performance.now();
  let last: Violation | undefined;
  let converged: number | undefined;
  for (;;) {
    // One that ended although nobody ended it is counted, and started again as an operator's supervisor does.
    for (const gateway of rig.gateways) await gateway.start();
    const facts = await observeFacts(rig).catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    );
    const { vms, unsureLabels, forgotten, robbed } = history;
    const expectation = { vms: [...vms.values()], unsureLabels, forgotten, robbed, subscribers };
    const ms = performance.now() - begun;
    const isLate = ms > (converged === undefined ? REST_MS : SWEPT_MS);
    if (facts instanceof Error) {
      if (isLate) throw new Error('It cannot be seen what is.', { cause: facts });
    } else {
      const violations = checkFacts(facts, expectation);
      const broken = violations.filter(({ isSwept }) => isSwept !== true);
      if (broken.length === 0) converged ??= ms;
      if (world.ignoresSwept === true && broken.length === 0) return { facts, violations: [], ms: converged, last };
      if (violations.length === 0 || isLate) return { facts, violations, ms: converged, last };
      [last = last] = broken;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function resubscribe(world: World): Promise<void> {
  await leave(world);
  const { rig, subscribers, random } = world;
  const accounts = await rig.database.query<{ userId: string; seq: number }>(
    'select user_id as "userId", event_seq::int as seq from account',
  );
  const findUrl = (): string | undefined => random.pick(rig.gateways).url;
  for (const { userId, token } of rig.accounts) {
    const after = accounts.find((account) => account.userId === userId)?.seq ?? 0;
    for (const transport of ['graphql-ws', 'SSE'] as const)
      subscribers.push(new Subscriber({ userId, token, transport, findUrl, after }));
  }
}

async function readUsages({ gateways }: Rig): Promise<GatewayUsage[]> {
  const usages = await Promise.all(gateways.map((gateway) => gateway.readUsage()));
  return usages.filter((usage) => usage !== undefined);
}

/** What still has grown once connections that nobody uses have ended. */
async function checkUsages(rig: Rig, before: readonly GatewayUsage[]): Promise<readonly Violation[]> {
  for (const begun = performance.now(); ; await sleep(LOOK_EVERY_MS)) {
    const grown = findGrowth(before, await readUsages(rig));
    if (grown.length === 0 || performance.now() - begun > IDLE_MS) return grown;
  }
}

/** Of gateways that lived through the round. */
function findGrowth(before: readonly GatewayUsage[], after: readonly GatewayUsage[]): Violation[] {
  return after.flatMap(({ pid, handles, bytes }): Violation[] => {
    const then = before.find((usage) => usage.pid === pid);
    if (then === undefined) return [];
    const grown: Violation[] = [];
    if (handles > then.handles + HANDLES_MORE)
      grown.push({ kind: 'leak', what: `process ${pid} had ${then.handles} handles and has ${handles}` });
    if (bytes > then.bytes + BYTES_MORE)
      grown.push({ kind: 'leak', what: `process ${pid} had ${then.bytes} bytes and has ${bytes}` });
    return grown;
  });
}
