/** A machine of the cluster on which VMs run. */
export interface NodeInfo {
  readonly id: string;
  /** For operators and messages. */
  readonly name: string;
  /** Its IP address. */
  readonly host: string;
  /** Where clients reach the public ports of its machines. */
  readonly publicHost: string;
  /** False once the placer has missed it for too long. */
  readonly isReady: boolean;
  /** Whether machines of this driver belong there: a cluster can have several regions. */
  readonly isOurs: boolean;
  /** 'pause': it gets no more machines. 'drain': those that it has leave it. */
  readonly availability: 'active' | 'pause' | 'drain';
}

/** Where a machine is. */
export interface Place {
  /** Absent while no node has room, or while the placer has not decided. */
  readonly nodeId?: string;
  /** The node that it must be on. */
  readonly pin?: string;
  /** Whether `pin` holds data of it that outlives a stop. */
  readonly isLasting: boolean;
  /** Why there is no node, in the placer's own words. */
  readonly problem?: string;
}

export interface PlaceRequest {
  /** The machine's id. */
  readonly id: string;
  readonly memoryBytes: number;
  readonly cpu: number;
  /** The node that it must be on, because its data is there. */
  readonly pin: string | undefined;
  /** Nodes that should take no more machines. */
  readonly avoid: readonly string[];
  /** Of those the ones on which nothing can start: a machine without lasting data leaves them. */
  readonly unfit: readonly string[];
}

/**
 * Knows the nodes of a cluster, decides on which of them a machine is, and counts what is taken. All methods are
 * idempotent and reject with an EngineError.
 */
export interface Placer {
  /** Rejects with ENGINE_UNREACHABLE, and what an operator has to do, if the cluster cannot be used. */
  ping(signal: AbortSignal): Promise<void>;

  listNodes(signal: AbortSignal): Promise<readonly NodeInfo[]>;

  /**
   * Gives the machine a place, or changes what it takes there. The place may come later: see `find`. A machine keeps a
   * place on a node that is not unfit.
   */
  request(request: PlaceRequest, signal: AbortSignal): Promise<void>;

  /**
   * Keeps the machine on the node. With `isLasting`, called before lasting data is created there: from then on the
   * machine is there or nowhere. Otherwise until `unpin`.
   */
  pin(id: string, nodeId: string, isLasting: boolean, signal: AbortSignal): Promise<void>;

  /** Undefined if it never had a place, or has been removed. */
  find(id: string, signal: AbortSignal): Promise<Place | undefined>;

  /** All places of this installation by machine. */
  list(signal: AbortSignal): Promise<ReadonlyMap<string, Place>>;

  /** Called when a machine is off: gives free what it takes. Lasting data keeps its pin. */
  vacate(id: string, signal: AbortSignal): Promise<void>;

  /** Lets machines without lasting data leave a node that is away for long, or that is being drained. */
  unpin(nodeId: string, signal: AbortSignal): Promise<void>;

  /** Removes the place with its pin. */
  remove(id: string, signal: AbortSignal): Promise<void>;

  /** Hints that nodes or places have changed, until the stream breaks. */
  changes(signal: AbortSignal): AsyncIterable<void>;

  close(): void;
}
