import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineDriver, EnsureProgress } from '../../src/engine/driver.ts';
import { EngineError } from '../../src/engine/engine-error.ts';
import type { EngineEvent, Inventory } from '../../src/engine/engine-reports.ts';
import type { MachineAddress, MachineSpec, MachineStats, Observation } from '../../src/engine/machine.ts';
import { dialTcp } from '../../src/lib/dial-tcp.ts';
import { EventFeed } from './event-feed.ts';
import { SIMULATED_IMAGE } from './simulated-image.ts';

/** What happened on the engine. Every gateway has a copy of it, which these keep equal. */
export type EngineChange =
  | { readonly kind: 'started'; readonly machine: Observation }
  | { readonly kind: 'ended'; readonly id: string }
  | { readonly kind: 'died'; readonly node: string };

interface SimulationOptions {
  readonly nodes: number;
  /** The port of the app that stands for every machine's. */
  readonly appPort: number;
  /** Tells the copies of other gateways. */
  readonly tell: (change: EngineChange) => void;
}

const ENSURE_MS = { median: 300, sigma: 0.5 };
const FAILS = 1 / 1_000;
const CALL_MS = 2;
const LIST_MS = 50;
const STOP_MS = 100;
const READING_MS = 1_200;

/**
 * A cluster's driver, simulated: the times of calls are those of a real engine, and machines are entries of a map. What
 * the bench does not use is not there.
 */
export class SimulatedEngine implements EngineDriver {
  readonly #options: SimulationOptions;
  readonly #machines = new Map<string, Observation>();
  /** Those of each node. */
  readonly #nodes = new Map<string, Map<string, Observation>>();
  readonly #dead = new Set<string>();
  readonly #feeds = new Set<EventFeed<EngineEvent>>();
  #addresses = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
  }

  /** Takes over what happened at another gateway, or to a node. */
  apply(change: EngineChange): void {
    if (change.kind === 'started') return this.#put(change.machine);
    if (change.kind === 'ended') return this.#delete(change.id);
    this.#dead.add(change.node);
    for (const { id, ref } of this.#nodes.get(change.node)?.values() ?? []) {
      this.#delete(id);
      for (const feed of this.#feeds) feed.push({ id, ref, action: 'removed' });
    }
  }

  #put(machine: Observation): void {
    const { id, node = '' } = machine;
    this.#delete(id);
    this.#machines.set(id, machine);
    const onNode = this.#nodes.get(node) ?? new Map<string, Observation>();
    this.#nodes.set(node, onNode.set(id, machine));
  }

  #delete(id: string): void {
    this.#nodes.get(this.#machines.get(id)?.node ?? '')?.delete(id);
    this.#machines.delete(id);
  }

  #change(change: EngineChange): void {
    this.apply(change);
    this.#options.tell(change);
  }

  async ping(): Promise<void> {
    await delay(CALL_MS);
  }

  async isolate() {
    return 'isolated' as const;
  }

  async ensureVolumes() {
    return undefined;
  }

  publicHost(): undefined {
    return undefined;
  }

  async ensure(
    { id, hash }: MachineSpec,
    signal: AbortSignal,
    onProgress: (progress: EnsureProgress) => void,
  ): Promise<Observation> {
    const known = this.#machines.get(id);
    if (known?.hash === hash) return known;
    const milliseconds = ENSURE_MS.median * Math.exp(ENSURE_MS.sigma * standardNormal());
    await delay(milliseconds / 4, undefined, { signal });
    onProgress({ phase: 'starting' });
    await delay((milliseconds * 3) / 4, undefined, { signal });
    if (Math.random() < FAILS) throw new EngineError('START_FAILED', 'The simulated engine has failed this start.');
    const node = `node-${this.#place()}`;
    const address = this.#newAddress();
    const image = { reference: SIMULATED_IMAGE, id: `sha256:${'0'.repeat(64)}` };
    const machine: Observation = {
      id,
      ref: randomUUID(),
      hash,
      state: 'running',
      node,
      address,
      image,
      oomKilled: false,
      startedAt: new Date(),
    };
    this.#change({ kind: 'started', machine });
    return machine;
  }

  /** A node that lives. Swarm's placement is not what is measured. */
  #place(): number {
    for (;;) {
      const node = Math.floor(Math.random() * this.#options.nodes);
      if (!this.#dead.has(`node-${node}`) || this.#dead.size >= this.#options.nodes) return node;
    }
  }

  /** Of this gateway alone: the process's id is in it. */
  #newAddress(): string {
    this.#addresses += 1;
    const { pid } = process;
    return `fd00::${(pid % 65_536).toString(16)}:${(this.#addresses >> 16).toString(16)}:${(this.#addresses % 65_536).toString(16)}`;
  }

  async revert() {
    return undefined;
  }

  async removeOthers(): Promise<void> {
    await delay(CALL_MS);
  }

  async stop(id: string): Promise<void> {
    await delay(STOP_MS);
    if (this.#machines.has(id)) this.#change({ kind: 'ended', id });
  }

  async remove(id: string): Promise<void> {
    await delay(CALL_MS);
    if (this.#machines.has(id)) this.#change({ kind: 'ended', id });
  }

  async observe(id: string): Promise<Observation | undefined> {
    await delay(CALL_MS);
    return this.#machines.get(id);
  }

  async list(): Promise<Inventory> {
    await delay(LIST_MS);
    return { machines: [...this.#machines.values()].map((machine) => ({ ...machine, labels: {} })), volumes: [] };
  }

  async listNode(node: string): Promise<readonly Observation[]> {
    await delay(LIST_MS);
    return [...(this.#nodes.get(node)?.values() ?? [])];
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const feed = new EventFeed<EngineEvent>(signal, () => this.#feeds.delete(feed));
    this.#feeds.add(feed);
    return feed;
  }

  async *logs() {}

  async *stats(_id: string, signal: AbortSignal): AsyncIterable<MachineStats> {
    await delay(READING_MS, undefined, { signal });
    const at = new Date();
    yield {
      at,
      cpuPercent: 1,
      memoryBytes: 2 ** 20,
      memoryLimitBytes: 2 ** 30,
      networkRxBytes: 0,
      networkTxBytes: 0,
    };
  }

  async address(id: string, ref: string, port: number): Promise<MachineAddress | undefined> {
    await delay(CALL_MS);
    const machine = this.#machines.get(id);
    if (machine?.ref !== ref || machine.address === undefined) return undefined;
    return { host: machine.address, port, ...(machine.node !== undefined && { node: machine.node }) };
  }

  dial(): Socket {
    return dialTcp({ host: '127.0.0.1', port: this.#options.appPort });
  }

  openTerminal(): never {
    throw notSimulated();
  }

  runProgram(): never {
    throw notSimulated();
  }

  readonly files = { list: notThere, read: notThere, write: notThere };

  async measureStorage() {
    return new Map();
  }

  async diskSpace() {
    return { usedBytes: 0, freeBytes: 2 ** 40 };
  }

  nodes(): [] {
    return [];
  }

  async describe() {
    const image = { id: `sha256:${'0'.repeat(64)}`, references: [SIMULATED_IMAGE], repoDigests: [] };
    return { architecture: 'amd64', images: [image] };
  }

  async reachesRegistry() {
    return true;
  }

  async findMissingDevices() {
    return [];
  }

  async sweep(): Promise<void> {}

  async close(): Promise<void> {}
}

function notSimulated(): Error {
  return new Error('The simulated engine has no containers to look into.');
}

async function notThere() {
  return 'not-found' as const;
}

function standardNormal(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
