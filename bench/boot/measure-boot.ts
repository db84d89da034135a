import type { EngineSocket } from '../support/engine-socket.ts';
import type { Figure } from '../support/figure.ts';
import { askGateway, watchStatus, type GatewayUnderTest } from '../support/gateway-under-test.ts';
import { median, quantile } from '../support/quantile.ts';
import { bootRaw, copyMachine, type IsUp, type RawMachine } from './raw-machine.ts';
import { removeInstallation } from '../../test/support/engine/engines.ts';

export interface BootOptions {
  readonly gateway: GatewayUnderTest;
  readonly token: string;
  readonly engine: EngineSocket;
  /** The label of the floor's containers. */
  readonly rawInstallation: string;
  /** The names of the figures begin with it. */
  readonly title: string;
  /** A code of the catalog. */
  readonly distribution: string;
  readonly desktop?: string;
  /** The app's port. */
  readonly port: number;
  /** When the floor's container is up. The gateway's is up when its subscription says RUNNING. */
  readonly isUp: IsUp;
  readonly pairs: number;
  /** The highest ratio of the medians. */
  readonly atMost: number;
  /** How many more boots through the gateway are measured, for the 99th percentile. */
  readonly tail?: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Boot {
  readonly sinceRequestMs: number;
  readonly sinceAnswerMs: number;
}

/**
 * Alternates a boot through the gateway (from startVm to RUNNING on a subscription) with one of the same container over
 * the engine's socket (create, start, first accepted connection). Removes both between the measurements.
 */
export async function measureBoot(options: BootOptions): Promise<Figure[]> {
  const {
    gateway,
    token,
    engine,
    rawInstallation,
    title,
    port,
    isUp,
    pairs,
    atMost,
    tail = 0,
    print,
    signal,
  } = options;
  await using watch = watchStatus(gateway.port, token);

  const boot = async (whileUp?: (vmId: string) => Promise<void>): Promise<Boot> => {
    const vmId = await createVm(options);
    const running = watch.seen(vmId, 'RUNNING');
    running.catch(() => undefined);
    const asked = performance.now();
    await askGateway(gateway.url, token, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id: vmId });
    const answered = performance.now();
    const seen = await running;
    await whileUp?.(vmId);
    const deleted = watch.seen(vmId, 'DELETED');
    deleted.catch(() => undefined);
    await askGateway(gateway.url, token, 'mutation ($id: ID!) { deleteVm(id: $id) }', { id: vmId });
    await deleted;
    return { sinceRequestMs: seen - asked, sinceAnswerMs: seen - answered };
  };
  const bootFloor = async (machine: RawMachine, round: number): Promise<number> => {
    const took = await bootRaw(engine, machine, `${rawInstallation}-${round}`, { port, isUp });
    await removeInstallation(rawInstallation);
    return took;
  };

  // The first boots warm up, and the gateway's is the template of the floor's container.
  const template = Promise.withResolvers<RawMachine>();
  await boot(async (vmId) => template.resolve(await copyMachine(engine, vmId, rawInstallation)));
  const machine = await template.promise;
  await bootFloor(machine, 0);
  const ours: Boot[] = [];
  const floor: number[] = [];
  for (let round = 1; round <= pairs; round += 1) {
    signal.throwIfAborted();
    const through = await boot();
    signal.throwIfAborted();
    const raw = await bootFloor(machine, round);
    ours.push(through);
    floor.push(raw);
    print(`${title} ${round}/${pairs}: ${through.sinceAnswerMs.toFixed(0)} ms, raw ${raw.toFixed(0)} ms`);
  }
  const sinceAnswer = ours.map(({ sinceAnswerMs }) => sinceAnswerMs);
  const sinceRequest = ours.map(({ sinceRequestMs }) => sinceRequestMs);
  const floorP50 = median(floor);
  const figures: Figure[] = [
    {
      name: `${title}, startVm answered to RUNNING, p50`,
      ours: median(sinceAnswer),
      floor: floorP50,
      unit: 'ms',
      goal: { of: 'ratio', atMost },
    },
    {
      name: `${title}, startVm answered to RUNNING, p95`,
      ours: quantile(sinceAnswer, 0.95),
      floor: quantile(floor, 0.95),
      unit: 'ms',
    },
    { name: `${title}, startVm sent to RUNNING, p50`, ours: median(sinceRequest), floor: floorP50, unit: 'ms' },
  ];
  if (tail > 0) figures.push(await measureTail(title, tail, boot, options));
  return figures;
}

/** The slowest boots against the usual one of the same run. */
async function measureTail(
  title: string,
  boots: number,
  boot: () => Promise<Boot>,
  { print, signal }: Pick<BootOptions, 'print' | 'signal'>,
): Promise<Figure> {
  const taken: number[] = [];
  for (let round = 1; round <= boots; round += 1) {
    signal.throwIfAborted();
    taken.push((await boot()).sinceAnswerMs);
  }
  const [p50, p99] = [quantile(taken, 0.5), quantile(taken, 0.99)];
  print(`${title}, ${boots} boots: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
  return {
    name: `${title}, ${boots} boots, p99 to p50`,
    ours: p99,
    floor: p50,
    unit: 'ms',
    goal: { of: 'ratio', atMost: 2 },
  };
}

async function createVm({ gateway, token, distribution, desktop }: BootOptions): Promise<string> {
  const input = {
    vmlabel: 'bench',
    region: 'AU',
    password: 'only for the bench',
    distribution,
    desktop,
    cpu: 1,
    ram: 1,
  };
  const query = 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }';
  return (await askGateway<{ createVm: { id: string } }>(gateway.url, token, query, { input })).createVm.id;
}
