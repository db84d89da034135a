import { withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import { ClusterNode, type NodeParts } from './cluster-node.ts';
import type { NodeInfo, Placer } from '../../placer.ts';

interface ClusterNodesOptions {
  readonly placer: Placer;
  readonly parts: NodeParts;
  readonly log: Log;
  /** How long machines without lasting data wait for their node before they move. */
  readonly patienceMs: number;
}

const REFRESH_MS = 500;
const LIST_MS = 5_000;
const UNPIN_EVERY_MS = 2_000;
/** Less flickers under load. The placer notices a node that died much earlier. */
const SILENT_MS = 15_000;

type OnChange = (node: ClusterNode) => void;

/**
 * Watches the nodes. A node is there while the placer says so and its own engine answers: a placer that has lost its
 * quorum says nothing new, and an agent can be down on a node that lives.
 */
export class ClusterNodes {
  readonly #options: ClusterNodesOptions;
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #handlers = new Set<OnChange>();
  readonly #closing = new AbortController();
  readonly #loops: readonly Promise<void>[];
  readonly #first = Promise.withResolvers<void>();
  #hint = new AbortController();
  /** Why the placer does not list its nodes; undefined while it does. */
  #problem: EngineError | undefined;
  #unpinnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ClusterNodesOptions) {
    this.#options = options;
    this.#loops = [this.#refreshRepeatedly(), this.#followChanges()];
  }

  /** Resolves when the nodes are known, and each has answered or had its time. */
  async settled(signal: AbortSignal): Promise<void> {
    await withDeadline(LIST_MS * 2, signal, () => this.#first.promise).catch(() => signal.throwIfAborted());
  }

  /** Those that machines can be on now. */
  there(): readonly ClusterNode[] {
    return this.all().filter(({ isThere }) => isThere);
  }

  /** Throws if no node can be used, with what an operator has to do. */
  requireAny(): void {
    if (this.there().length > 0) return;
    throw (
      this.#problem ??
      new EngineError(
        'ENGINE_UNREACHABLE',
        'No node of the swarm can be used: the agent on port 4701 of each must be reachable; see docs/scale-out.md.',
      )
    );
  }

  all(): readonly ClusterNode[] {
    return [...this.#nodes.values()].filter(({ info }) => info.isOurs);
  }

  /** Also one that has left the region. */
  find(id: string | undefined): ClusterNode | undefined {
    return id === undefined ? undefined : this.#nodes.get(id);
  }

  /** Calls the handler whenever a node comes or goes, or is to be emptied. */
  onChange(handle: OnChange): () => void {
    this.#handlers.add(handle);
    return () => this.#handlers.delete(handle);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#hint.abort();
    await Promise.all(this.#loops);
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
  }

  async #refreshRepeatedly(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#hint = new AbortController();
      await this.#refresh();
      if (this.#problem === undefined) this.#first.resolve();
      await pauseFor(REFRESH_MS, AbortSignal.any([signal, this.#hint.signal])).catch(() => undefined);
    }
  }

  async #refresh(): Promise<void> {
    const { placer } = this.#options;
    const listed = await placer.listNodes(this.#within(LIST_MS)).catch((error: unknown) => this.#note(error));
    if (listed !== undefined) this.#accept(listed);
    // A node that is there is asked beside the next list; one that is not yet is worth waiting for.
    const pings = [...this.#nodes.values()]
      .filter(({ info }) => info.isReady)
      .map((node) => [node, node.ping()] as const);
    await Promise.all(pings.filter(([{ isThere }]) => !isThere).map(([, ping]) => ping));
    for (const node of this.#nodes.values()) this.#judge(node);
    await this.#unpin();
  }

  #accept(listed: readonly NodeInfo[]): void {
    this.#problem = undefined;
    for (const info of listed) {
      const known = this.#nodes.get(info.id);
      if (known === undefined) {
        this.#nodes.set(info.id, new ClusterNode(info, this.#options.parts, this.#hosts));
        continue;
      }
      const isDrained = info.availability === 'drain' && known.info.availability !== 'drain';
      known.update(info);
      if (isDrained) this.#tell(known);
    }
    const ids = new Set(listed.map(({ id }) => id));
    for (const [id, node] of this.#nodes) {
      if (ids.has(id)) continue;
      this.#options.log.warn({ node: node.name }, 'a node was removed from the cluster');
      this.#nodes.delete(id);
      node.setThere(false);
      this.#tell(node);
      void node.close();
    }
  }

  #note(error: unknown): undefined {
    const { signal } = this.#closing;
    if (!signal.aborted && error instanceof EngineError) this.#problem = error;
    return undefined;
  }

  #judge(node: ClusterNode): void {
    const isThere = node.info.isReady && node.silentMs < SILENT_MS;
    if (node.isThere === isThere) return;
    node.setThere(isThere);
    const details = { node: node.name };
    if (isThere) this.#options.log.info(details, 'a node can be reached');
    else this.#options.log.warn(details, 'a node cannot be reached');
    this.#tell(node);
  }

  /** Of all regions: where nodes have public addresses, machines would reach them as a part of the internet. */
  readonly #hosts = (): readonly string[] => [...this.#nodes.values()].map(({ info }) => info.host);

  #tell(node: ClusterNode): void {
    for (const handle of this.#handlers) handle(node);
  }

  /** Lets machines leave nodes that are away for too long, or are drained. */
  async #unpin(): Promise<void> {
    const { placer, patienceMs, log } = this.#options;
    if (performance.now() - this.#unpinnedAt < UNPIN_EVERY_MS) return;
    const left = this.all().filter(({ info, awayMs }) => info.availability === 'drain' || awayMs > patienceMs);
    if (left.length === 0) return;
    try {
      await Promise.all(left.map(({ id }) => placer.unpin(id, this.#within(LIST_MS))));
      this.#unpinnedAt = performance.now();
    } catch (error) {
      log.debug({ err: error }, 'failed to move the machines of a node that is away');
    }
  }

  async #followChanges(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        for await (const _change of this.#options.placer.changes(signal)) this.#hint.abort();
      } catch {
        // The list every half second does not need the hints.
      }
      await pauseFor(REFRESH_MS, signal).catch(() => undefined);
    }
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ms)]);
  }
}
