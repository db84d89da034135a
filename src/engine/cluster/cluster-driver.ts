import type { Socket } from 'node:net';
import { failedSocket } from '../../lib/failed-socket.ts';
import type { Log } from '../../log.ts';
import type { EngineDriver, EnsureProgress, LogOptions } from '../driver.ts';
import { EngineError } from '../engine-error.ts';
import type {
  DiskSpace,
  EngineDescription,
  EngineEvent,
  EngineNode,
  Inventory,
  IsolationState,
} from '../engine-reports.ts';
import type { FileAccess } from '../files.ts';
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
import { clusterFiles } from './cluster-files.ts';
import type { ClusterNode, NodeParts } from './nodes/cluster-node.ts';
import { ClusterNodes } from './nodes/cluster-nodes.ts';
import { ImageCopies } from './copy-images.ts';
import { describeNodes } from './observe/describe-nodes.ts';
import { eachNode, eachNodeOf } from './nodes/each-node.ts';
import { endThere, listMachines } from './observe/list-machines.ts';
import { MachinePlaces } from './places/machine-places.ts';
import { mergeEvents } from './observe/merge-events.ts';
import { NodeConditions } from './nodes/node-conditions.ts';
import { openLater } from './open-later.ts';
import { observeMachine } from './observe/observe-machine.ts';
import { placeMachine, placeOrStay, type PlaceTools } from './places/place-machine.ts';
import type { Placer } from '../placer.ts';
import { Vacancies } from './places/vacancies.ts';
import { withBinds } from './with-binds.ts';

export interface ClusterDriverOptions {
  readonly placer: Placer;
  readonly parts: NodeParts;
  readonly log: Log;
  /** How long machines without lasting data wait for a node that is away before they move. */
  readonly patienceMs: number;
}

/**
 * The driver of many engines. A placer decides on which node a machine is; the driver of that node's engine does the
 * rest. What runs needs no placer: a machine whose node is known is observed, stopped and changed without one.
 */
export class ClusterDriver implements EngineDriver {
  readonly #placer: Placer;
  readonly #log: Log;
  readonly #nodes: ClusterNodes;
  readonly #places: MachinePlaces;
  readonly #images: ImageCopies;
  readonly #conditions: NodeConditions;
  readonly #tools: PlaceTools;
  readonly #leaving = new Set<string>();
  readonly #vacancies: Vacancies;
  readonly files: FileAccess;
  readonly #closing = new AbortController();

  constructor({ placer, parts, log, patienceMs }: ClusterDriverOptions) {
    this.#placer = placer;
    this.#log = log;
    this.#nodes = new ClusterNodes({ placer, parts, log, patienceMs });
    this.#places = new MachinePlaces(this.#nodes, placer);
    this.files = clusterFiles(this.#places);
    this.#vacancies = new Vacancies(placer, log);
    this.#images = new ImageCopies(this.#nodes, log);
    this.#conditions = new NodeConditions(this.#nodes, log);
    this.#tools = { placer, nodes: this.#nodes, places: this.#places, patienceMs, conditions: this.#conditions, log };
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#placer.ping(signal);
    await this.#nodes.settled(signal);
    this.#nodes.requireAny();
  }

  async isolate(signal: AbortSignal): Promise<IsolationState> {
    await this.#nodes.settled(signal);
    this.#nodes.requireAny();
    return this.#conditions.isolate(signal);
  }

  async ensureVolumes(spec: MachineSpec, signal: AbortSignal): Promise<StorageEnforcement | undefined> {
    await this.#nodes.settled(signal);
    this.#vacancies.cancel(spec.id);
    const node = await placeMachine(this.#tools, spec, signal);
    const enforcement = await node.driver.ensureVolumes(spec, signal);
    // The pin stays, and takes nothing.
    await this.#placer.vacate(spec.id, signal);
    return enforcement;
  }

  async ensure(
    spec: MachineSpec,
    signal: AbortSignal,
    onProgress: (progress: EnsureProgress) => void,
    keep?: string,
  ): Promise<Observation> {
    await this.#nodes.settled(signal);
    this.#vacancies.cancel(spec.id);
    const node = await placeOrStay(this.#tools, spec, signal);
    await this.#endElsewhere(node, spec.id, signal);
    const fitting = await this.#images.bring(node, withBinds(spec, node.info.host), signal, onProgress);
    return this.#places.note(node, await node.driver.ensure(fitting, signal, onProgress, keep));
  }

  /** Two containers of a machine never run on nodes that are there. */
  async #endElsewhere(node: ClusterNode, id: string, signal: AbortSignal): Promise<void> {
    await this.#eachNodeOf(node, signal, async (other) => {
      if (other !== node && (await other.driver.observe(id, signal)) !== undefined) await endThere(other, id, signal);
    });
  }

  async revert(id: string, hash: string, signal: AbortSignal): Promise<Observation | undefined> {
    const node = await this.#places.locate(id, signal);
    const observed = await node?.driver.revert(id, hash, signal);
    return node && observed && this.#places.note(node, observed);
  }

  async removeOthers(id: string, ref: string, signal: AbortSignal): Promise<void> {
    await (await this.#places.locate(id, signal))?.driver.removeOthers(id, ref, signal);
  }

  async stop(id: string, signal: AbortSignal): Promise<void> {
    await this.#nodes.settled(signal);
    await this.#eachNodeOf(this.#places.homeOf(id), signal, (node) => node.driver.stop(id, signal));
  }

  async remove(id: string, volumes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void> {
    await this.#nodes.settled(signal);
    const isFinal = volumes.includes('until-delete');
    // Its home must be there: what is left on it would outlive the VM.
    if (isFinal) this.#places.requirePinned(await this.#placer.find(id, signal), () => undefined);
    const home = this.#places.homeOf(id);
    await this.#eachNodeOf(home, signal, (node) => node.driver.remove(id, volumes, signal));
    if (isFinal) await this.#placer.remove(id, signal);
    else if (volumes.length > 0) await this.#vacancies.vacate(id, signal);
    if (volumes.length > 0) this.#places.forget(id);
  }

  async observe(id: string, signal: AbortSignal): Promise<Observation | undefined> {
    await this.#nodes.settled(signal);
    return observeMachine({ nodes: this.#nodes, places: this.#places }, id, signal);
  }

  list(signal: AbortSignal): Promise<Inventory> {
    return this.#nodes
      .settled(signal)
      .then(() => listMachines({ nodes: this.#nodes, places: this.#places, log: this.#log }, this.#leaving, signal));
  }

  async listNode(id: string | undefined, signal: AbortSignal): Promise<readonly Observation[]> {
    const node = this.#nodes.find(id);
    if (node?.isThere !== true) throw new EngineError('ENGINE_UNREACHABLE', 'The node of the VM is not there.');
    return (await node.driver.listNode(undefined, signal)).map((machine) => ({ ...machine, node: node.id }));
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    return mergeEvents(this.#nodes, this.#places, signal, this.#closing.signal);
  }

  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<MachineLogLine> {
    return openLater(async (over) => (await this.#places.locate(id, over))?.driver.logs(id, options, over), signal);
  }

  stats(id: string, signal: AbortSignal): AsyncIterable<MachineStats> {
    return openLater(async (over) => (await this.#places.locate(id, over))?.driver.stats(id, over), signal);
  }

  async address(id: string, ref: string, port: number, signal: AbortSignal): Promise<MachineAddress | undefined> {
    const node = await this.#places.locate(id, signal);
    const address = await node?.driver.address(id, ref, port, signal);
    return node && address && { ...address, node: node.id };
  }

  publicHost(node: string): string | undefined {
    return this.#nodes.find(node)?.info.publicHost;
  }

  dial(to: MachineAddress): Socket {
    const node = this.#nodes.find(to.node);
    if (node?.isThere === true) return node.dial(to);
    return failedSocket(new Error('The node of the VM is not there.'));
  }

  async openTerminal(
    id: string,
    ref: string,
    options: TerminalOptions,
    signal: AbortSignal,
  ): Promise<MachineTerminal | ProgramProblem> {
    const node = await this.#places.locate(id, signal);
    return node === undefined ? 'not-running' : node.driver.openTerminal(id, ref, options, signal);
  }

  async runProgram(id: string, ref: string, options: ProgramOptions, signal: AbortSignal): Promise<ProgramEnd> {
    const node = await this.#places.locate(id, signal);
    return node === undefined ? { kind: 'not-running' } : node.driver.runProgram(id, ref, options, signal);
  }

  async measureStorage(signal: AbortSignal): Promise<ReadonlyMap<string, MachineStorage>> {
    return new Map(
      (await eachNode(this.#nodes, ({ driver }) => driver.measureStorage(signal))).flatMap((each) => [...each]),
    );
  }

  diskSpace(signal: AbortSignal): Promise<DiskSpace | undefined> {
    return this.#conditions.diskSpace(signal);
  }

  nodes(): readonly EngineNode[] {
    return this.#nodes.all().map((node) => ({
      name: node.name,
      isThere: node.isThere,
      availability: node.info.availability,
      machines: this.#places.countOn(node),
      ...this.#conditions.of(node),
    }));
  }

  describe(signal: AbortSignal): Promise<EngineDescription> {
    return describeNodes(this.#nodes, signal);
  }

  async reachesRegistry(imageRef: string, signal: AbortSignal): Promise<boolean> {
    const [node] = this.#nodes.there();
    return node !== undefined && node.driver.reachesRegistry(imageRef, signal);
  }

  async findMissingDevices(devices: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const missing = await eachNode(this.#nodes, ({ driver }) => driver.findMissingDevices(devices, signal));
    return [...new Set(missing.flat())];
  }

  async sweep(signal: AbortSignal): Promise<void> {
    await eachNode(this.#nodes, ({ driver }) => driver.sweep(signal));
    await this.#vacancies.retry(signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#images.close();
    await this.#nodes.close();
    this.#placer.close();
  }

  #eachNodeOf(
    home: ClusterNode | undefined,
    signal: AbortSignal,
    work: (node: ClusterNode) => Promise<void>,
  ): Promise<void> {
    return eachNodeOf({ nodes: this.#nodes, home, log: this.#log }, signal, work);
  }
}
