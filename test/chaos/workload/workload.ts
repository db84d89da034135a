import { setTimeout as sleep } from 'node:timers/promises';
import { LABEL } from '../../../src/engine/labels.ts';
import { callApi, type Answer } from '../rig/api-client.ts';
import type { GatewaySlot } from '../rig/gateway-slot.ts';
import type { History } from '../checks/history.ts';
import { chooseOperation, toGraphql, toRest, type Operation } from './operations.ts';
import { createRandom, type Random } from './random.ts';
import { PLAN, type Account, type Rig } from '../rig/rig.ts';

export interface WorkloadOptions {
  readonly rig: Rig;
  readonly history: History;
  readonly random: Random;
  /** VMs of an account at most. */
  readonly vms: number;
}

const WORKERS = 2;
const PAUSE_MS = 400;

/** Performs one operation, over either API and either gateway that there is; what it was answered. */
export async function perform(
  { rig, history, random }: WorkloadOptions,
  account: Account,
  operation: Operation,
): Promise<Answer> {
  const there = rig.gateways.filter(({ url }) => url !== undefined);
  if (there.length === 0) return { kind: 'silent', why: 'there is no gateway' };
  const gateway = random.pick(there);
  const request = random.next() < 0.5 ? toGraphql(operation) : toRest(operation);
  const { answer, isHit } = await callGateway(gateway, (url) => callApi(url, account.token, request));
  history.note(account.userId, operation, answer, isHit);
  return answer;
}

async function callGateway(
  gateway: GatewaySlot,
  call: (url: string) => Promise<Answer>,
): Promise<{ answer: Answer; isHit: boolean }> {
  const { url = '', isHit, starts } = gateway;
  const answer = await call(url);
  return { answer, isHit: isHit || gateway.isHit || gateway.starts !== starts };
}

/**
 * Operations of all accounts until the signal; one at a time on each VM, so that what was acknowledged last is what
 * counts.
 */
export async function runOperations(options: WorkloadOptions, signal: AbortSignal): Promise<void> {
  const { rig, history, random, vms: most } = options;
  const busy = new Set<string>();
  const work = async (account: Account, random: Random): Promise<void> => {
    while (!signal.aborted) {
      const own = [...history.vms.values()].filter(
        ({ id, userId, exists }) => userId === account.userId && exists.value && !busy.has(id),
      );
      const operation = chooseOperation(random, own, most);
      const vmId = operation !== undefined && 'vmId' in operation ? operation.vmId : '';
      busy.add(vmId);
      if (operation !== undefined) await perform({ ...options, random }, account, operation);
      busy.delete(vmId);
      await sleep(random.below(PAUSE_MS), undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(
    rig.accounts.flatMap((account) =>
      Array.from({ length: WORKERS }, () => work(account, createRandom(random.below(2 ** 31)))),
    ),
  );
}

const READ_PAUSE_MS = 100;

/** Reads a list of VMs from each gateway again and again, and notes how long that takes. */
export async function runReads({ rig, history }: WorkloadOptions, signal: AbortSignal): Promise<void> {
  const read = async (gateway: GatewaySlot): Promise<void> => {
    const token = rig.accounts[0]?.token ?? '';
    while (!signal.aborted) {
      if (gateway.url !== undefined) {
        const begun = performance.now();
        const { answer, isHit } = await callGateway(gateway, (url) =>
          callApi(url, token, { method: 'GET', path: '/vms' }),
        );
        if (answer.kind === 'wrong' || (answer.kind === 'silent' && !isHit))
          history.found('answer', `a read: ${answer.why}`);
        if (answer.kind === 'done' && !isHit) history.readTimes.push(performance.now() - begun);
      }
      await sleep(READ_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(rig.gateways.map(read));
}

const SAMPLE_PAUSE_MS = 300;

/** Looks again and again for what must not be at any moment: two live containers of a VM, more than a plan allows. */
export async function runSamples({ rig, history }: WorkloadOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sampleContainers(rig, history).catch(() => undefined);
    await sampleLimits(rig, history).catch(() => undefined);
    await sleep(SAMPLE_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function sampleContainers({ docker, installationId }: Rig, history: History): Promise<void> {
  const filters = { label: [`${LABEL.installation}=${installationId}`, LABEL.machine], status: ['running', 'paused'] };
  for (const [vmId, listed] of Map.groupBy(
    await docker.listContainers({ filters }),
    ({ Labels }) => Labels[LABEL.machine],
  )) {
    if (listed.length < 2) continue;
    const inspected = await Promise.all(listed.map(({ Id }) => docker.getContainer(Id).inspect()));
    if (inspected.filter(({ State }) => State.Running).length > 1)
      history.found('double', `two containers of the VM ${vmId} run`);
  }
}

async function sampleLimits({ database }: Rig, history: History): Promise<void> {
  const sums = await database.query<{ user: string; vms: number; cpu: number; ram: number; all: number }>(`
    select user_id as user, count(*) filter (where enabled)::int as vms, coalesce(sum(cpu) filter (where enabled), 0)::int as cpu,
      coalesce(sum(ram_gb) filter (where enabled), 0)::int as ram, count(*)::int as all from vm group by user_id`);
  for (const { user, vms, cpu, ram, all } of sums) {
    if (vms > PLAN.concurrentVms || cpu > PLAN.cpu || ram > PLAN.ram || all > PLAN.vms) {
      history.found('limit', `${user} has ${vms} VMs on with ${cpu} CPUs and ${ram} GB, ${all} in all`);
    }
  }
}
