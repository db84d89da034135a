import { findBrokenPromises, type ExpectedVm } from './expected-vm.ts';
import type { Facts, RowFact } from './facts.ts';
import type { Subscriber } from '../workload/subscriber.ts';
import type { Violation, ViolationKind } from './violation.ts';

/** What the facts are compared with. */
export interface Expectation {
  readonly vms: readonly ExpectedVm[];
  /** Labels of creations without an answer: these VMs may be there. */
  readonly unsureLabels: ReadonlySet<string>;
  /** VMs that a restored database has forgotten: nothing of them may be removed. */
  readonly forgotten: readonly ForgottenVm[];
  /** VMs whose data a fault took: they may have failed for that. */
  readonly robbed: ReadonlySet<string>;
  readonly subscribers: readonly Pick<Subscriber, 'userId' | 'transport' | 'seen' | 'statuses'>[];
}

export interface ForgottenVm {
  readonly id: string;
  /** Of what outlives a stop. */
  readonly volumes: readonly string[];
}

/**
 * What contradicts the expectation once everything has come to rest. Each check stands alone, so that one finding hides
 * no other.
 */
export function checkFacts(facts: Facts, expectation: Expectation): readonly Violation[] {
  return [
    ...checkPromises(facts, expectation),
    ...checkStatuses(facts, expectation),
    ...checkContainers(facts, expectation),
    ...checkStorage(facts, expectation),
    ...checkForgotten(facts, expectation),
    ...checkSubscribers(facts, expectation),
  ];
}

const found = (kind: ViolationKind, what: string): Violation => ({ kind, what });
const leftover = (kind: ViolationKind, what: string): Violation => ({ kind, what, isSwept: true });

function checkPromises({ shown }: Facts, { vms, unsureLabels }: Expectation): Violation[] {
  const byId = new Map(shown.map((vm) => [vm.id, vm]));
  const known = new Set(vms.map(({ id }) => id));
  const unknown = shown.filter(({ id, vmlabel }) => !known.has(id) && !unsureLabels.has(vmlabel));
  return [
    ...vms.flatMap((vm) => findBrokenPromises(vm, byId.get(vm.id)).map((what) => found('lost', `VM ${vm.id} ${what}`))),
    ...unknown.map(({ id }) => found('zombie', `VM ${id} is there, and nobody created it`)),
  ];
}

/** Each VM is where its owner wants it, and says so. */
function checkStatuses({ rows, shown, containers }: Facts, { robbed }: Expectation): Violation[] {
  const statuses = new Map(shown.map(({ id, status }) => [id, status]));
  return rows.flatMap((row) => {
    const live = containers.filter(({ vmId, isLive, isPaused }) => vmId === row.id && isLive && !isPaused);
    const wrong: Violation[] = [];
    const wanted = wantedStatus(row);
    if (row.status !== wanted && !mayHaveFailed(row, robbed)) {
      wrong.push(
        found(
          'status',
          `VM ${row.id} is ${row.status}${row.failure === undefined ? '' : ` (${row.failure})`}, not ${wanted}`,
        ),
      );
    }
    if (statuses.has(row.id) && statuses.get(row.id) !== row.status) {
      wrong.push(found('status', `VM ${row.id} is shown as ${statuses.get(row.id)}, its row says ${row.status}`));
    }
    if (row.status === 'RUNNING' && live.length === 0)
      wrong.push(found('status', `VM ${row.id} is RUNNING without a running container`));
    if (row.status === 'RUNNING' && live.length > 0 && !live.some(({ id }) => id === row.engineRef)) {
      wrong.push(found('status', `VM ${row.id} is RUNNING in another container than its row names`));
    }
    return wrong;
  });
}

function wantedStatus({ deleting, enabled }: RowFact): string {
  if (deleting) return 'DELETED';
  return enabled ? 'RUNNING' : 'STOPPED';
}

function mayHaveFailed({ id, status, failure }: RowFact, robbed: ReadonlySet<string>): boolean {
  return robbed.has(id) && status === 'FAILED' && failure === 'DATA_LOST';
}

/** One container for each VM that is on, made with its secrets, and none else. */
function checkContainers({ rows, shown, containers }: Facts, { forgotten }: Expectation): Violation[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const kept = new Set(forgotten.map(({ id }) => id));
  const wrong: Violation[] = [];
  for (const { name, vmId, isLive, env, id, state } of containers) {
    const row = vmId === undefined ? undefined : byId.get(vmId);
    if (vmId === undefined) wrong.push(leftover('helper', `the helper ${name} is left (${state})`));
    else if (row === undefined && !kept.has(vmId)) wrong.push(leftover('zombie', `the container ${name} has no row`));
    else if (row !== undefined && !row.enabled)
      wrong.push(found('zombie', `the container ${name} is there, its VM is off`));
    const vm = shown.find((each) => each.id === vmId);
    if (vm === undefined || vm.changeUndone || vm.status !== 'RUNNING' || id !== row?.engineRef || !isLive) continue;
    const stale = vm.secrets.filter(({ key, value }) => key.startsWith('KEY_') && env.get(key) !== value);
    wrong.push(
      ...stale.map(({ key }) => found('lost', `the container ${name} runs without the secret ${key} that was set`)),
    );
  }
  for (const [vmId, all] of Map.groupBy(containers, (each) => each.vmId)) {
    if (vmId !== undefined && all.length > 1)
      wrong.push(
        found(
          all.filter(({ isLive }) => isLive).length > 1 ? 'double' : 'zombie',
          `VM ${vmId} has ${all.length} containers`,
        ),
      );
  }
  return wrong;
}

/** Each lasting volume has its row, and its file and loop device where it has a hard size; nothing is without. */
function checkStorage({ rows, volumes, loops, files }: Facts, { forgotten, robbed }: Expectation): Violation[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const kept = new Set(forgotten.map(({ id }) => id));
  const wrong: Violation[] = [];
  for (const { name, vmId, isLasting } of volumes) {
    const row = byId.get(vmId);
    if (name.startsWith('swiftor-trial-')) wrong.push(leftover('helper', `the trial volume ${name} is left`));
    else if (row === undefined && !kept.has(vmId)) wrong.push(leftover('zombie', `the volume ${name} has no row`));
    else if (row?.enabled === false && !isLasting)
      wrong.push(found('zombie', `the volume ${name} outlived its VM's stop`));
  }
  for (const [kind, things] of Object.entries({ 'loop device': loops, file: files })) {
    const odd = things.filter(({ vmId }) => !byId.has(vmId) && !kept.has(vmId));
    wrong.push(...odd.map(({ name }) => leftover('helper', `the ${kind} ${name} belongs to no VM`)));
  }
  for (const { name, count } of countBy(loops))
    if (count > 1) wrong.push(found('helper', `${count} loop devices on ${name}`));
  for (const row of rows.filter(({ persistent, storageReady, deleting }) => persistent && storageReady && !deleting)) {
    if (robbed.has(row.id)) continue;
    if (!volumes.some(({ vmId, isLasting }) => vmId === row.id && isLasting))
      wrong.push(found('destroyed', `VM ${row.id} has no volume`));
    if (row.storageEnforcement === 'HARD' && !files.some(({ vmId }) => vmId === row.id)) {
      wrong.push(found('destroyed', `VM ${row.id} has no file for its volume`));
    }
  }
  return wrong;
}

function countBy(things: readonly { readonly name: string }[]): { name: string; count: number }[] {
  return [...Map.groupBy(things, ({ name }) => name)].map(([name, same]) => ({ name, count: same.length }));
}

function checkForgotten({ volumes }: Facts, { forgotten }: Expectation): Violation[] {
  const there = new Set(volumes.map(({ name }) => name));
  const gone = forgotten.flatMap((vm) => vm.volumes.filter((name) => !there.has(name)));
  return gone.map((name) =>
    found('destroyed', `the volume ${name} of a VM that a restored database forgot was removed`),
  );
}

/** Each has heard the last event of its account, and so the true status of each VM. */
function checkSubscribers({ accounts, rows }: Facts, { subscribers }: Expectation): Violation[] {
  return subscribers.flatMap(({ userId, transport, seen, statuses }) => {
    const seq = accounts.find((account) => account.userId === userId)?.seq ?? 0;
    if (seen !== seq)
      return [found('gap', `the ${transport} subscriber of ${userId} has seen ${seen} of ${seq} events`)];
    const own = rows.filter(
      (row) => row.userId === userId && statuses.has(row.id) && statuses.get(row.id) !== row.status,
    );
    return own.map((row) =>
      found(
        'gap',
        `the ${transport} subscriber of ${userId} believes VM ${row.id} ${statuses.get(row.id)}, it is ${row.status}`,
      ),
    );
  });
}
