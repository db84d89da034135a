import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { LABEL } from '../../src/engine/labels.ts';
import type { EngineSocket } from '../support/engine-socket.ts';

/** The parts of a container's inspection that define a copy. */
interface Inspected {
  readonly Config: { readonly [field: string]: unknown };
  readonly HostConfig: { readonly Mounts?: readonly Mount[]; readonly [field: string]: unknown };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

interface Mount {
  readonly Type: string;
  readonly Source: string;
  readonly Target: string;
}

/** The body of the create call. */
export interface RawMachine {
  readonly body: (volume: string) => object;
}

/** A template from the gateway's container of the VM, with its image, environment, limits, network and mounts. */
export async function copyMachine(engine: EngineSocket, vmId: string, installationId: string): Promise<RawMachine> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL.machine}=${vmId}`] }));
  const [found] = await engine.ask<{ Id: string }[]>('GET', `/containers/json?filters=${filters}`);
  if (found === undefined) throw new Error(`The engine has no running container of the VM ${vmId}.`);
  const { Config, HostConfig } = await engine.ask<Inspected>('GET', `/containers/${found.Id}/json`);
  const { Image, Env, Cmd, StopTimeout } = Config;
  const Labels = { [LABEL.installation]: installationId };
  const mountsOn = (volume: string) =>
    HostConfig.Mounts?.map((mount, index) => ({ ...mount, Source: `${volume}-${index}`, VolumeOptions: { Labels } })) ??
    [];
  return {
    body: (volume) => ({
      Image,
      Env,
      Cmd,
      StopTimeout,
      Labels,
      HostConfig: { ...HostConfig, Mounts: mountsOn(volume) },
    }),
  };
}

/** Whether an app is up at its address. */
export type IsUp = (host: string, port: number) => Promise<boolean>;

/** Creates and starts a container, with no other calls. Returns the milliseconds until its app is up. */
export async function bootRaw(
  engine: EngineSocket,
  machine: RawMachine,
  name: string,
  { port, isUp }: { port: number; isUp: IsUp },
): Promise<number> {
  const body = machine.body(name);
  const begun = performance.now();
  const { Id } = await engine.ask<{ Id: string }>('POST', `/containers/create?name=${name}`, body);
  await engine.ask('POST', `/containers/${Id}/start`);
  const { NetworkSettings } = await engine.ask<Inspected>('GET', `/containers/${Id}/json`);
  const [network] = Object.values(NetworkSettings.Networks);
  if (network === undefined) throw new Error(`The container ${name} is on no network.`);
  while (!(await isUp(network.IPAddress, port))) {
    if (performance.now() - begun > 60_000)
      throw new Error(`The app of the container ${name} was not up on port ${port} within 60 s.`);
  }
  return performance.now() - begun;
}

/** Retries at once after a lost SYN, which the kernel would repeat after a second. */
const CONNECT_MS = 100;

/** Whether the port accepts connections. */
export function accepts(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: CONNECT_MS });
  socket.on('connect', () => resolve(true));
  socket.on('timeout', () => resolve(false));
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

const PAUSE_MS = 5;

/** Whether the app answers a request for its page, with whatever page it shows first: a desktop asks for a password. */
export async function answersPage(host: string, port: number): Promise<boolean> {
  if (!(await accepts(host, port))) {
    await delay(PAUSE_MS);
    return false;
  }
  const answer = await fetch(`http://${host}:${port}/`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer !== undefined && answer.status < 500;
}
