import type { Socket } from 'node:net';

/** Something that holds bytes for a peer who has not taken them yet. */
export interface Held {
  /** The bytes that it holds now. */
  pending(): number;
  /** A number that grows whenever the peer takes some. */
  taken(): number;
  /** Ends it. */
  cut(): void;
}

/** Whom held bytes count for. */
export interface HeldFor {
  /** The client's network, see `networkOf`. */
  readonly network: string;
  readonly vmId: string;
}

export interface UnsentBounds {
  /** How long a peer may take nothing while bytes wait for it. */
  readonly stallMs: number;
  readonly bytesPerNetwork: number;
  readonly bytesPerVm: number;
  readonly checkEveryMs: number;
}

const BOUNDS: UnsentBounds = {
  // The usual deadline of reverse proxies.
  stallMs: 60_000,
  bytesPerNetwork: 16 * 2 ** 20,
  bytesPerVm: 32 * 2 ** 20,
  checkEveryMs: 1_000,
};

interface Watched {
  readonly held: Held;
  for: HeldFor;
  taken: number;
  /** When something was taken, or nothing was pending, for the last time: a time of performance.now(). */
  movedAt: number;
}

/**
 * Bounds what the gateway holds for peers who do not read: it ends those who took nothing for a minute, and where a
 * client's network or a VM holds too many bytes, those who took nothing for longest.
 */
export class UnsentBytes {
  readonly #bounds: UnsentBounds;
  readonly #watched = new Set<Watched>();
  readonly #sockets = new WeakMap<Socket, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(bounds: Partial<UnsentBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
    this.#timer = setInterval(() => this.#check(performance.now()), this.#bounds.checkEveryMs).unref();
  }

  /** Watches it until the returned function is called. */
  watch(held: Held, heldFor: HeldFor): () => void {
    const watched = this.#add(held, heldFor);
    return () => void this.#watched.delete(watched);
  }

  /** Watches a socket until it closes. Called again, it counts for somebody else from then on. */
  watchSocket(socket: Socket, heldFor: HeldFor): void {
    const known = this.#sockets.get(socket);
    if (known !== undefined) {
      known.for = heldFor;
      return;
    }
    const watched = this.#add(heldBySocket(socket), heldFor);
    this.#sockets.set(socket, watched);
    socket.once('close', () => this.#watched.delete(watched));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  #add(held: Held, heldFor: HeldFor): Watched {
    const watched = { held, for: heldFor, taken: held.taken(), movedAt: performance.now() };
    this.#watched.add(watched);
    return watched;
  }

  #check(now: number): void {
    const { stallMs, bytesPerNetwork, bytesPerVm } = this.#bounds;
    const networks = new Map<string, Watched[]>();
    const vms = new Map<string, Watched[]>();
    for (const watched of this.#watched) {
      const taken = watched.held.taken();
      const isWaiting = watched.held.pending() > 0;
      if (!isWaiting || taken !== watched.taken) watched.movedAt = now;
      watched.taken = taken;
      if (now - watched.movedAt >= stallMs) this.#cut(watched);
      else if (isWaiting) {
        addTo(networks, watched.for.network, watched);
        addTo(vms, watched.for.vmId, watched);
      }
    }
    for (const all of networks.values()) this.#keepWithin(bytesPerNetwork, all);
    for (const all of vms.values()) this.#keepWithin(bytesPerVm, all);
  }

  #keepWithin(bytes: number, all: readonly Watched[]): void {
    let excess = all.reduce((sum, { held }) => sum + held.pending(), 0) - bytes;
    if (excess <= 0) return;
    for (const watched of all.toSorted((one, other) => one.movedAt - other.movedAt)) {
      if (excess <= 0) return;
      excess -= watched.held.pending();
      this.#cut(watched);
    }
  }

  #cut(watched: Watched): void {
    this.#watched.delete(watched);
    watched.held.cut();
  }
}

function heldBySocket(socket: Socket): Held {
  return {
    pending: () => socket.writableLength,
    taken: () => socket.bytesWritten - socket.writableLength,
    cut: () => void socket.destroy(),
  };
}

function addTo(groups: Map<string, Watched[]>, key: string, watched: Watched): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [watched]);
  else group.push(watched);
}
