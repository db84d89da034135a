import { connect } from 'node:net';
import { LABEL } from '../src/engine/labels.ts';
import type { EngineSocket } from './engine-socket.ts';

/** What of a container's inspection makes another one like it. */
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

/** What the engine is asked to create. */
export interface RawMachine {
  readonly body: (volume: string) => object;
}

/** The gateway's container of that VM as a template: the same image, environment, limits, capabilities, network and mounts. */
export async function copyMachine(engine: EngineSocket, vmId: string, installationId: string): Promise<RawMachine> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL.machine}=${vmId}`] }));
  const [found] = await engine.ask<{ Id: string }[]>('GET', `/containers/json?filters=${filters}`);
  if (found === undefined) throw new Error(`The engine has no running container of the VM ${vmId}.`);
  const { Config, HostConfig } = await engine.ask<Inspected>('GET', `/containers/${found.Id}/json`);
  const { Image, Env, Cmd, StopTimeout } = Config;
  const Labels = { [LABEL.installation]: installationId };
  const mountsOn = (volume: string) =>
    HostConfig.Mounts?.map((mount, index) => ({ ...mount, Source: `${volume}-${index}`, VolumeOptions: { Labels } })) ?? [];
  return { body: (volume) => ({ Image, Env, Cmd, StopTimeout, Labels, HostConfig: { ...HostConfig, Mounts: mountsOn(volume) } }) };
}

/** Creates and starts a container and waits until its port accepts; milliseconds. Only the calls that this takes, one after the other. */
export async function bootRaw(engine: EngineSocket, machine: RawMachine, name: string, port: number): Promise<number> {
  const body = machine.body(name);
  const begun = performance.now();
  const { Id } = await engine.ask<{ Id: string }>('POST', `/containers/create?name=${name}`, body);
  await engine.ask('POST', `/containers/${Id}/start`);
  const { NetworkSettings } = await engine.ask<Inspected>('GET', `/containers/${Id}/json`);
  const [network] = Object.values(NetworkSettings.Networks);
  if (network === undefined) throw new Error(`The container ${name} is on no network.`);
  while (!(await accepts(network.IPAddress, port))) {
    if (performance.now() - begun > 30_000) throw new Error(`The container ${name} did not accept on port ${port} within 30 s.`);
  }
  return performance.now() - begun;
}

/** A SYN that got lost is not waited for: the kernel would repeat it after a second. */
const CONNECT_MS = 100;

function accepts(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: CONNECT_MS });
  socket.on('connect', () => resolve(true));
  socket.on('timeout', () => resolve(false));
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
