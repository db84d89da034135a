import type {
  MachineAddress,
  MachineLogLine,
  MachineSpec,
  MachineStats,
  MachineStorage,
  Observation,
  StorageEnforcement,
  VolumeLifetime,
} from './machine.ts';

/**
 * The contract between the gateway and an engine. A driver knows machines, not rows, users or plans:
 * a machine is at most one running container plus its volumes, addressed by an id of the caller's choice
 * (the VM's UUID). Every method may be called twice; "already so" is success. Every method ends when its
 * signal aborts, and rejects with an EngineError for whatever the engine refuses or fails to answer.
 */
export interface EngineDriver {
  /** Resolves when the engine answers. Rejects with ENGINE_UNREACHABLE otherwise. */
  ping(signal: AbortSignal): Promise<void>;

  /**
   * Called once the engine answers, and every few seconds from then on. After it, no machine reaches another one, the engine's host, the
   * addresses of private networks or the cloud's metadata, whatever happened to the host's firewall meanwhile. Rejects with ISOLATION_FAILED
   * where that cannot be had; `ensure` then starts nothing and rejects likewise. 'open' where the operator chose to go without.
   */
  isolate(signal: AbortSignal): Promise<'isolated' | 'open'>;

  /**
   * Called before the first start of a machine whose data must exist from its creation on.
   * After it, each volume of the spec exists, is labelled, and holds what it held before. New ones that have a size are limited to it
   * where the engine's host allows it; those that were made without stay as they are. Resolves to how the sizes are held; undefined
   * for a machine without lasting volumes.
   */
  ensureVolumes(spec: MachineSpec, signal: AbortSignal): Promise<StorageEnforcement | undefined>;

  /**
   * Called to bring a machine up: pulls the image if it is missing, makes network, volumes and container,
   * starts it. 'pulling' is reported only when the image is missing, 'storage' once its lasting volumes are there, 'starting' once the container is made or found.
   * Volumes that are smaller than the spec says grow, unless something has them mounted; none ever shrinks. After it, exactly one container with the spec's hash runs (or has run and exited at once;
   * `observe` tells). Containers of the same machine with another hash are stopped and removed before the new one
   * starts, but after it is made, so that a missing image or lost data does not end them; volumes are kept. The one with the hash
   * `keep` is only stopped: `revert` can bring it back. Paused ones are resumed. Aborting leaves nothing that a second call does not adopt.
   */
  ensure(spec: MachineSpec, signal: AbortSignal, onProgress: (progress: EnsureProgress) => void, keep?: string): Promise<Observation>;

  /**
   * Called when a replacement does not come up. After it the container with that hash, which `ensure` kept, runs as it was made
   * (or has run and exited at once), and the machine has no other: those are stopped before it starts. Undefined, with nothing
   * changed, when there is none with that hash or it can never start again, its network being gone.
   */
  revert(id: string, hash: string, signal: AbortSignal): Promise<Observation | undefined>;

  /** Called when a replacement answers. After it the machine has no container but `ref`; its volumes stay. */
  removeOthers(id: string, ref: string, signal: AbortSignal): Promise<void>;

  /** After it no container of the machine runs: it got its stop signal, and was killed after its grace. */
  stop(id: string, signal: AbortSignal): Promise<void>;

  /** After it no container of the machine exists, and no volume whose lifetime is in `volumes`. */
  remove(id: string, volumes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void>;

  /**
   * The machine as the engine sees it now; undefined when it has no container. Of two containers, which a replacement that was
   * broken off leaves, the live one stands for the machine, else the newer.
   */
  observe(id: string, signal: AbortSignal): Promise<Observation | undefined>;

  /**
   * All that this installation owns on the engine, each machine once as for `observe`, in a bounded number of calls and one more for each
   * container that was there a moment ago and is not listed: an engine can list less than there is.
   */
  list(signal: AbortSignal): Promise<Inventory>;

  /** Hints that a machine changed, from now on. Ends with an EngineError when the stream breaks; misses are normal. */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>;

  /** The last `tail` lines of the machine's output, oldest first, then, with `follow`, each new one until the container ends. None without a container. */
  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<MachineLogLine>;

  /** One reading about every second while the container runs; the first comes when there are two to compare. */
  stats(id: string, signal: AbortSignal): AsyncIterable<MachineStats>;

  /** Where the container `ref` listens on `port`, as the engine says it now; undefined when that container does not run. */
  address(id: string, ref: string, port: number, signal: AbortSignal): Promise<MachineAddress | undefined>;

  /** What each machine holds on the engine's disk, by machine id. Slow (up to seconds): not for a request's path. */
  measureStorage(signal: AbortSignal): Promise<ReadonlyMap<string, MachineStorage>>;

  /** How full the disk is that holds all images, containers and volumes; undefined when the engine's host cannot tell. Takes some 0.2 s. */
  diskSpace(signal: AbortSignal): Promise<DiskSpace | undefined>;

  /** The engine's processors, and all its images, in a bounded number of calls. */
  describe(signal: AbortSignal): Promise<EngineDescription>;

  /** Whether the registry of the image answers the engine, whatever it says; false after 3 s at the latest. */
  reachesRegistry(imageRef: string, signal: AbortSignal): Promise<boolean>;

  /** Those of the devices ('/dev/dri') that the engine's host lacks. Rejects when it cannot be looked at. Takes some 0.3 s. */
  findMissingDevices(devices: readonly string[], signal: AbortSignal): Promise<readonly string[]>;

  /**
   * Called at the start and every half minute from then on. After it, nothing is left on the engine of what gateways of this installation
   * made for a moment and did not remove, as they were killed or the engine was. What another gateway may be at work with stays.
   */
  sweep(signal: AbortSignal): Promise<void>;

  /** Ends what it does by itself, waits until that has left nothing on the engine, for 10 s at most, and releases its sockets. The driver is not used afterwards. */
  close(): Promise<void>;
}

/** What is kept for root alone counts neither as used nor as free. */
export interface DiskSpace {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

export interface EngineDescription {
  /** As images call it: 'amd64', 'arm64'. Absent when the engine does not say. */
  readonly architecture?: string;
  readonly images: readonly EngineImage[];
}

export interface EngineImage {
  readonly id: string;
  /** By tag and by digest; none when the image has lost its tag to another, and is in no registry. */
  readonly references: readonly string[];
  /** 'repository@sha256:…' of each registry that the engine has it from. */
  readonly repoDigests: readonly string[];
}

export type EnsureProgress =
  | { readonly phase: 'pulling'; readonly percent: number; readonly bytesDone: number; readonly bytesTotal: number }
  /** In place of a pull: the stand-in is being made, by `npm run images` on this machine. */
  | { readonly phase: 'building'; readonly imageRef: string; readonly percent: number; readonly secondsLeft: number }
  | { readonly phase: 'storage'; readonly enforcement: StorageEnforcement }
  | { readonly phase: 'starting' };

export interface Inventory {
  /** Without exit codes, errors and other containers: only `observe` looks closely. */
  readonly machines: readonly (Observation & Labelled)[];
  readonly volumes: readonly ({ readonly id: string; readonly name: string } & Labelled)[];
}

/** What was in the spec's `labels`, with the driver's own. */
export interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}

export interface EngineEvent {
  readonly id: string;
  /** The engine's own id of the container: of a machine that is replaced there are two. */
  readonly ref: string;
  readonly action: 'created' | 'started' | 'exited' | 'oom' | 'paused' | 'resumed' | 'removed' | 'renamed' | 'disconnected' | 'other';
  readonly exitCode?: number;
}

export interface LogOptions {
  /** How many lines of the past at most. */
  readonly tail: number;
  /** Whether to go on with each new line until the container ends. */
  readonly follow: boolean;
  /** Only lines after this moment. */
  readonly since?: Date;
}
