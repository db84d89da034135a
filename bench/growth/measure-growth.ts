import { setTimeout as delay } from 'node:timers/promises';
import { executeSql } from '../../test/support/database/execute-sql.ts';
import { readCpuMs } from '../support/cpu-time.ts';
import type { Figure } from '../support/figure.ts';
import { askGateway, type GatewayUnderTest } from '../support/gateway-under-test.ts';
import { fillAccounts, VMS_PER_ACCOUNT, type ListAccount } from '../lists/list-accounts.ts';
import { LIST_WORKLOADS } from '../lists/list-workloads.ts';
import { load, type LoadTarget } from '../support/load.ts';
import { readRss } from '../support/memory.ts';

export interface GrowthOptions {
  readonly gateway: GatewayUnderTest;
  readonly databaseUrl: string;
  readonly jwtSecret: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const ACCOUNTS = 10_000;
const IDLE_MS = 30_000;
const STARTS = 64;
const READ_MS = 3_000;
const CONNECTIONS = 8;

/**
 * What many rows and many starts cost: the CPU of a gateway and its database while 50,000 VMs are stopped, its memory
 * after 10,000 accounts asked in turn, and how much slower reads are while 64 VMs start.
 */
export async function measureGrowth(options: GrowthOptions): Promise<Figure[]> {
  const { gateway, databaseUrl, jwtSecret, print, signal } = options;
  const empty = await measureIdleShare(options);
  const accounts = await fillAccounts(databaseUrl, { accounts: ACCOUNTS, secret: jwtSecret });
  const full = await measureIdleShare(options);
  const stopped = ACCOUNTS * VMS_PER_ACCOUNT;
  print(`idle: ${empty.toFixed(2)} % of a core without VMs, ${full.toFixed(2)} % with ${stopped} stopped ones`);

  const asked = { count: 0 };
  const list = LIST_WORKLOADS[0]?.requests.gateway;
  if (list === undefined) throw new Error('There is no list to ask the gateway for.');
  const target: LoadTarget = {
    port: gateway.port,
    requestOf: (index) => list(accounts[(asked.count += 1) % ACCOUNTS] as ListAccount, index),
  };
  while (asked.count < ACCOUNTS) {
    signal.throwIfAborted();
    await load(target, CONNECTIONS, READ_MS);
  }
  const megabytes = (await readRss(gateway.pid)) / 1024;
  const quiet = await load(target, CONNECTIONS, READ_MS);
  const starts = Promise.all(accounts.slice(0, STARTS).map((account) => changeVm(options, account, 'startVm')));
  const storm = await load(target, CONNECTIONS, READ_MS);
  await starts;
  await Promise.all(accounts.slice(0, STARTS).map((account) => changeVm(options, account, 'stopVm')));
  return [
    {
      name: `idle CPU that ${stopped} stopped VMs add`,
      ours: full - empty,
      unit: '%',
      goal: { of: 'value', atMost: 0.3 },
    },
    { name: `memory after ${ACCOUNTS} accounts`, ours: megabytes, unit: 'MB', goal: { of: 'value', atMost: 250 } },
    {
      name: `reads while ${STARTS} VMs start, p50`,
      ours: storm.p50Ms,
      floor: quiet.p50Ms,
      unit: 'ms',
      goal: { of: 'ratio', atMost: 2 },
    },
  ];
}

/** The share of a core that the gateway and its connections to the database use, in percent. */
async function measureIdleShare({ gateway, databaseUrl, signal }: GrowthOptions): Promise<number> {
  const { rows } = await executeSql(
    databaseUrl,
    "select pid from pg_stat_activity where application_name like 'swiftor%'",
  );
  const pids = [gateway.pid, ...(rows as { pid: number }[]).map(({ pid }) => pid)];
  const readAll = async (): Promise<number> => {
    const times = await Promise.all(pids.map((pid) => readCpuMs(pid).catch(() => 0)));
    return times.reduce((sum, time) => sum + time, 0);
  };
  const before = await readAll();
  await delay(IDLE_MS, undefined, { signal });
  return (((await readAll()) - before) / IDLE_MS) * 100;
}

async function changeVm(
  { gateway }: GrowthOptions,
  { token, vmId }: ListAccount,
  command: 'startVm' | 'stopVm',
): Promise<void> {
  await askGateway(gateway.url, token, `mutation ($id: ID!) { ${command}(id: $id) { id } }`, { id: vmId });
}
