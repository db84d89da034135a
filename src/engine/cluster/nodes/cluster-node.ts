import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { EngineApi } from '../../engine-api.ts';
import type { EngineDriver } from '../../driver.ts';
import type { MachineAddress } from '../../machine.ts';
import type { NodeInfo } from '../../placer.ts';

/** Opens connections to a node's engine, and to machines on it. What fails is an error of the socket. */
export interface NodeLine {
  openEngine(): Socket;
  openMachine(to: MachineAddress): Socket;
}

/** The engine of a node through its line. */
export interface NodeEngine {
  readonly driver: EngineDriver;
  readonly api: EngineApi;
}

export interface NodeParts {
  /** `current` tells the node's present address. */
  readonly openLine: (current: () => NodeInfo) => NodeLine;
  /** `peers` are the addresses of all nodes, which machines may not reach. */
  readonly openEngine: (name: string, dial: () => Duplex, peers: () => readonly string[]) => NodeEngine;
  /** Brings to a node's engine what placing needs there. */
  readonly prepare: (api: EngineApi, signal: AbortSignal) => Promise<void>;
}

const PING_MS = 3_000;
/** An operator can remove what was brought there. */
const PREPARED_FOR_MS = 30_000;

/**
 * A node of the cluster.
 *
 * INVARIANTS
 * - A node that is away has no open socket: calls to it fail at once instead of at their deadlines.
 * - A node that comes back is there only after its engine has answered.
 */
export class ClusterNode {
  readonly id: string;
  readonly #parts: NodeParts;
  readonly #peers: () => readonly string[];
  readonly #line: NodeLine;
  readonly #sockets = new Set<Socket>();
  #info: NodeInfo;
  #engine: NodeEngine;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #pinging: Promise<void> | undefined;
  #isThere = false;
  #preparedAt = Number.NEGATIVE_INFINITY;
  /** Since when it is away, by performance.now(). */
  #awaySince = performance.now();

  constructor(info: NodeInfo, parts: NodeParts, peers: () => readonly string[]) {
    this.id = info.id;
    this.#info = info;
    this.#parts = parts;
    this.#peers = peers;
    this.#line = parts.openLine(() => this.#info);
    this.#engine = this.#openEngine();
  }

  get info(): NodeInfo {
    return this.#info;
  }

  get name(): string {
    return this.#info.name;
  }

  get driver(): EngineDriver {
    return this.#engine.driver;
  }

  get api(): EngineApi {
    return this.#engine.api;
  }

  /** Whether it can be used now. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** How long it has been away. */
  get awayMs(): number {
    return this.#isThere ? 0 : performance.now() - this.#awaySince;
  }

  /** How long its engine has been silent. */
  get silentMs(): number {
    return performance.now() - this.#answeredAt;
  }

  update(info: NodeInfo): void {
    this.#info = info;
  }

  /** Asks its engine; one call at a time. Never rejects. */
  ping(): Promise<void> {
    this.#pinging ??= this.#ask().finally(() => (this.#pinging = undefined));
    return this.#pinging;
  }

  async #ask(): Promise<void> {
    try {
      await this.#engine.driver.ping(AbortSignal.timeout(PING_MS));
      if (performance.now() - this.#preparedAt > PREPARED_FOR_MS) {
        await this.#parts.prepare(this.#engine.api, AbortSignal.timeout(PING_MS));
        this.#preparedAt = performance.now();
      }
      this.#answeredAt = performance.now();
    } catch {
      // What counts is since when it has been silent.
    }
  }

  /** Connects to a machine on it. */
  dial(to: MachineAddress): Socket {
    return this.#keep(this.#line.openMachine(to));
  }

  setThere(isThere: boolean): void {
    if (this.#isThere === isThere) return;
    this.#isThere = isThere;
    if (isThere) return;
    this.#awaySince = performance.now();
    this.#answeredAt = Number.NEGATIVE_INFINITY;
    // After a restart of the machine its engine may lack what was there.
    this.#preparedAt = Number.NEGATIVE_INFINITY;
    const { driver, api } = this.#engine;
    this.#cut(new Error(`The node "${this.name}" is away.`));
    this.#engine = this.#openEngine();
    api.close();
    void driver.close();
  }

  async close(): Promise<void> {
    await this.#engine.driver.close();
    this.#engine.api.close();
    this.#cut(new Error('The driver was closed.'));
  }

  #openEngine(): NodeEngine {
    return this.#parts.openEngine(`node ${this.name}`, () => this.#keep(this.#line.openEngine()), this.#peers);
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.once('close', () => this.#sockets.delete(socket));
  }

  #cut(reason: Error): void {
    for (const socket of this.#sockets) socket.destroy(reason);
  }
}
