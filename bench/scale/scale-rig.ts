import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Observation } from '../../src/engine/machine.ts';
import { NODE_OPTIONS } from '../../test/support/gateway/gateway-process.ts';
import { ROOMY_LIMITS } from '../../test/support/gateway/roomy-limits.ts';
import { UNLIMITED_PLAN } from '../../test/support/gateway/unlimited-plan.ts';
import type { SubscriberCommand, SubscriberReport } from './scale-subscribers.ts';
import type { EngineChange } from './simulated-engine.ts';
import { SIMULATED_IMAGE } from './simulated-image.ts';

/** The SECRETS_KEY of the gateways. */
export const SCALE_KEY = Buffer.alloc(32, 7);

interface RigOptions {
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly jwtSecret: string;
  readonly gateways: number;
  readonly nodes: number;
  readonly signal: AbortSignal;
}

/** The processes of the simulation. Their ends are errors until the rig is disposed of. */
export interface ScaleRig extends AsyncDisposable {
  readonly gateways: readonly { readonly url: string; readonly port: number; readonly pid: number }[];
  /** The node of each machine. */
  readonly nodes: ReadonlyMap<string, string>;
  order(command: SubscriberCommand): Promise<SubscriberReport>;
  /** A machine runs, though no gateway has started it. */
  place(machine: Observation): void;
  /** A node is gone, with all that runs on it. */
  kill(node: string): void;
}

export async function openRig(options: RigOptions): Promise<ScaleRig> {
  const { dataDir, jwtSecret, databaseUrl, signal } = options;
  await using undo = new AsyncDisposableStack();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  let isOver = false;
  const start = (name: string, env: Readonly<Record<string, string>>): ChildProcess => {
    const child = fork(fileURLToPath(new URL(name, import.meta.url)), {
      env: { PATH: process.env['PATH'], ...env },
      execArgv: NODE_OPTIONS,
    });
    child.once('exit', () => isOver || ended.reject(new Error(`${name} ended; what it said is above.`)));
    undo.defer(() => endChild(child));
    return child;
  };

  const catalogFile = path.join(dataDir, 'catalog.json');
  const entry = { code: 'simulated', image: SIMULATED_IMAGE, defaultPort: 3000, stopGraceSeconds: 2, bootSeconds: 20 };
  await writeFile(catalogFile, JSON.stringify({ distributions: [entry] }));
  const plansFile = path.join(dataDir, 'plans.json');
  await writeFile(plansFile, JSON.stringify({ plans: [{ ...UNLIMITED_PLAN, concurrentVms: 100_000 }] }));
  const nodes = new Map<string, string>();
  const children: ChildProcess[] = [];
  const gateways: { url: string; port: number; pid: number }[] = [];
  const tellOthers = (sender: ChildProcess | undefined, change: EngineChange): void => {
    if (change.kind === 'started') nodes.set(change.machine.id, change.machine.node ?? '');
    if (change.kind === 'ended') nodes.delete(change.id);
    if (change.kind === 'died') for (const [id, node] of nodes) if (node === change.node) nodes.delete(id);
    for (const child of children) if (child !== sender && child.connected) child.send(change);
  };
  const app = start('scale-app.ts', {});
  const [{ port: appPort }] = (await Promise.race([once(app, 'message', { signal }), ended.promise])) as [
    { port: number },
  ];
  for (let index = 0; index < options.gateways; index += 1) {
    const own = path.join(dataDir, `gateway-${index}`);
    await mkdir(own);
    const child = start('scale-gateway.ts', {
      ...ROOMY_LIMITS,
      PORT: '0',
      DATABASE_URL: databaseUrl,
      DATA_DIR: own,
      CATALOG_FILE: catalogFile,
      PLANS_FILE: plansFile,
      JWT_SECRET: jwtSecret,
      SECRETS_KEY: SCALE_KEY.toString('base64'),
      LOG_LEVEL: 'error',
      REGIONS: 'AU=unix:///simulated',
      SCALE_NODES: String(options.nodes),
      SCALE_APP_PORT: String(appPort),
    });
    const [{ port }] = (await Promise.race([once(child, 'message', { signal }), ended.promise])) as [{ port: number }];
    child.on('message', ({ change }: { change: EngineChange }) => tellOthers(child, change));
    children.push(child);
    gateways.push({ url: `http://127.0.0.1:${port}`, port, pid: child.pid ?? 0 });
  }
  const subscribers = start('scale-subscribers.ts', {});
  undo.defer(() => void (isOver = true));
  const parts = undo.move();
  return {
    gateways,
    nodes,
    async order(command) {
      const answer = once(subscribers, 'message', { signal });
      subscribers.send(command);
      const [report] = (await Promise.race([answer, ended.promise])) as [SubscriberReport];
      return report;
    },
    place: (machine) => tellOthers(undefined, { kind: 'started', machine }),
    kill: (node) => tellOthers(undefined, { kind: 'died', node }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.connected) child.disconnect();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
