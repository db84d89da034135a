import type { Socket } from 'node:net';
import { dialTcp } from '../../lib/dial-tcp.ts';
import { withDeadline } from '../../lib/concurrency/with-deadline.ts';
import type { EngineDriver, EnsureProgress, LogOptions } from '../driver.ts';
import type {
  DiskSpace,
  EngineDescription,
  EngineEvent,
  EngineNode,
  Inventory,
  IsolationState,
  Labelled,
} from '../engine-reports.ts';
import type {
  MachineAddress,
  MachineLogLine,
  MachineSpec,
  MachineStats,
  MachineStorage,
  Observation,
  StorageEnforcement,
  VolumeLifetime,
} from '../machine.ts';
import type { MachineTerminal, ProgramEnd, ProgramOptions, ProgramProblem, TerminalOptions } from '../programs.ts';
import { EngineError } from '../engine-error.ts';
import type { FileAccess } from '../files.ts';
import { EnsureMachine } from './machines/ensure-machine.ts';
import { createDockerTools, type DockerDriverOptions, type DockerTools } from './docker-tools.ts';
import { describeEngine } from './observe/describe-engine.ts';
import { findMissingDevices } from './host/find-missing-devices.ts';
import { askRegistry } from './images/ask-registry.ts';
import { eventsOf, logsOf, statsOf } from './observe/machine-streams.ts';
import { measureMachines } from './storage/measure-machines.ts';
import { isLiveState, observeListed } from './containers/observe-container.ts';
import { findContainer, observeMachine } from './observe/observe-machine.ts';
import { openTerminal } from './programs/open-terminal.ts';
import { runProgram } from './programs/run-program.ts';
import { removeContainers } from './machines/remove-containers.ts';
import { revertMachine } from './machines/revert-machine.ts';
import { sweepLeftovers } from './sweep-leftovers.ts';

/** Cleaning up takes about a second. Longer means that the engine does not answer. */
const CLOSE_MILLISECONDS = 10_000;
const PING_MILLISECONDS = 5_000;

/** The driver of one Docker Engine. It connects with its first call. */
export class DockerDriver implements EngineDriver {
  readonly #tools: DockerTools;
  readonly #pingMilliseconds: number;

  /** Throws if the endpoint is invalid. */
  constructor(options: DockerDriverOptions) {
    this.#tools = createDockerTools(options);
    this.#pingMilliseconds = Math.min(PING_MILLISECONDS, options.callMilliseconds ?? PING_MILLISECONDS);
  }

  async ping(signal: AbortSignal): Promise<void> {
    const { docker, call, endpoint } = this.#tools;
    // The type lacks the options.
    const ping: (options: { abortSignal: AbortSignal }) => Promise<unknown> = docker.ping.bind(docker);
    const ask = async (abortSignal: AbortSignal) => {
      const answer = await ping({ abortSignal });
      if (String(answer) !== 'OK')
        throw new EngineError('ENGINE_UNREACHABLE', `What answers at ${endpoint} is not a Docker Engine.`);
    };
    await call('answer', signal, ask, { milliseconds: this.#pingMilliseconds });
  }

  isolate(signal: AbortSignal): Promise<IsolationState> {
    return this.#tools.isolation.require(signal);
  }

  async ensureVolumes(spec: MachineSpec, signal: AbortSignal): Promise<StorageEnforcement | undefined> {
    return (await this.#tools.volumes.ensure(spec, signal)).enforcement;
  }

  ensure(
    spec: MachineSpec,
    signal: AbortSignal,
    onProgress: (progress: EnsureProgress) => void,
    keep?: string,
  ): Promise<Observation> {
    return new EnsureMachine(this.#tools, spec, signal, onProgress, keep).run();
  }

  revert(id: string, hash: string, signal: AbortSignal): Promise<Observation | undefined> {
    return revertMachine(this.#tools, id, hash, signal);
  }

  async removeOthers(id: string, ref: string, signal: AbortSignal): Promise<void> {
    const found = await this.#tools.containers.list(signal, id);
    await this.#tools.containers.retire(
      found.filter(({ Id }) => Id !== ref),
      signal,
    );
  }

  async stop(id: string, signal: AbortSignal): Promise<void> {
    const found = await this.#tools.containers.list(signal, id);
    const live = found.filter((one) => isLiveState(observeListed(one, this.#tools.installationId)?.state ?? 'exited'));
    await Promise.all(live.map(({ Id }) => this.#tools.containers.stop(Id, signal)));
  }

  async remove(id: string, lifetimes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void> {
    await removeContainers(this.#tools, id, signal);
    await this.#tools.files.removeOf(id, signal);
    await this.#tools.volumes.remove(id, lifetimes, signal);
  }

  observe(id: string, signal: AbortSignal): Promise<Observation | undefined> {
    return observeMachine(this.#tools, id, signal);
  }

  async list(signal: AbortSignal): Promise<Inventory> {
    const [listed, owned] = await Promise.all([
      this.#tools.containers.list(signal),
      this.#tools.inventory.list(signal),
    ]);
    const machines = new Map<string, Observation & Labelled>();
    for (const one of listed) {
      const observation = observeListed(one, this.#tools.installationId);
      if (observation && !machines.has(observation.id))
        machines.set(observation.id, { ...observation, labels: one.Labels ?? {} });
    }
    return { machines: [...machines.values()], volumes: owned.map(({ id, name, labels }) => ({ id, name, labels })) };
  }

  async listNode(_node: string | undefined, signal: AbortSignal): Promise<readonly Observation[]> {
    return (await this.list(signal)).machines;
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    return eventsOf(this.#tools, signal);
  }

  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<MachineLogLine> {
    return logsOf(this.#tools, id, options, signal);
  }

  stats(id: string, signal: AbortSignal): AsyncIterable<MachineStats> {
    return statsOf(this.#tools, id, signal);
  }

  async address(id: string, ref: string, port: number, signal: AbortSignal): Promise<MachineAddress | undefined> {
    const host = (await findContainer(this.#tools, id, ref, signal))?.address;
    return host === undefined ? undefined : { host, port };
  }

  publicHost(): undefined {
    return undefined;
  }

  dial(to: MachineAddress): Socket {
    return dialTcp(to);
  }

  async openTerminal(
    id: string,
    ref: string,
    options: TerminalOptions,
    signal: AbortSignal,
  ): Promise<MachineTerminal | ProgramProblem> {
    const found = await findContainer(this.#tools, id, ref, signal);
    return found?.state === 'running' ? openTerminal(this.#tools, ref, options, signal) : 'not-running';
  }

  async runProgram(id: string, ref: string, options: ProgramOptions, signal: AbortSignal): Promise<ProgramEnd> {
    const found = await findContainer(this.#tools, id, ref, signal);
    return found?.state === 'running' ? runProgram(this.#tools, ref, options, signal) : { kind: 'not-running' };
  }

  get files(): FileAccess {
    return this.#tools.files;
  }

  measureStorage(signal: AbortSignal): Promise<ReadonlyMap<string, MachineStorage>> {
    return measureMachines(this.#tools, signal);
  }

  async diskSpace(signal: AbortSignal): Promise<DiskSpace | undefined> {
    try {
      return await this.#tools.images.diskSpace(signal);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'ENGINE_REFUSED') return undefined;
      throw error;
    }
  }

  nodes(): readonly EngineNode[] {
    return [];
  }

  describe(signal: AbortSignal): Promise<EngineDescription> {
    return describeEngine(this.#tools, signal);
  }

  async reachesRegistry(imageRef: string, signal: AbortSignal): Promise<boolean> {
    return (await askRegistry(this.#tools, imageRef, signal)).isReached;
  }

  findMissingDevices(devices: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    return findMissingDevices(this.#tools.host, devices, signal);
  }

  sweep(signal: AbortSignal): Promise<void> {
    return sweepLeftovers(this.#tools, signal);
  }

  async close(): Promise<void> {
    await this.#tools.isolation.close();
    const ended = () => Promise.all([this.#tools.probe.close(), this.#tools.host.close(), this.#tools.files.close()]);
    await withDeadline(CLOSE_MILLISECONDS, new AbortController().signal, ended).catch(() => undefined);
    this.#tools.closeConnection();
  }
}
