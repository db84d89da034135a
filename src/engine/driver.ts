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

  /** All that this installation owns on the engine, each machine once as for `observe`, in a bounded number of calls. */
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

  /** Ends what it does by itself and releases its sockets. The driver is not used afterwards. */
  close(): Promise<void>;
}

export interface MachineSpec {
  /** The VM's UUID. */
  readonly id: string;
  /** Changes whenever anything in the spec does that needs another container; see `specHash` in labels. */
  readonly hash: string;
  readonly imageRef: string;
  /** An image built on the engine itself, which stands in where the registry of `imageRef` cannot be reached. */
  readonly localImageRef?: string;
  /** Replaces the image's own command. */
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly MachineVolume[];
  /** Nothing else of the machine is published on the engine's host. */
  readonly ports: readonly MachinePort[];
  /** vCPU cores, as a CFS quota: may exceed the host's cores. */
  readonly cpu: number;
  /** Memory limit, swap included. */
  readonly memoryBytes: number;
  readonly pidsLimit: number;
  readonly shmBytes: number;
  /** Between the stop signal and the kill. */
  readonly stopGraceSeconds: number;
  readonly security: SecurityProfile;
  /** What it may reach on its own: the internet and the engine's name servers, or nothing. */
  readonly egress: 'internet' | 'none';
  /** runc, runsc, kata: the operator's choice; the engine's default when absent. */
  readonly runtime?: string;
  /** Further labels for the container and its volumes; the driver adds its own. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * How the size of a machine's lasting volumes is held: HARD, writing past it gives the machine "no space left" and nobody else; or
 * MEASURED, the size is only looked at from time to time.
 */
export type StorageEnforcement = 'HARD' | 'MEASURED';

/** 'until-stop' volumes go when an ephemeral VM stops; 'until-delete' ones only with the VM. */
export type VolumeLifetime = 'until-stop' | 'until-delete';

export interface MachineVolume {
  /** Unique in its machine: 'primary', 'workspace'. */
  readonly name: string;
  /** Absolute path inside the container. */
  readonly target: string;
  readonly lifetime: VolumeLifetime;
  /** True once it held data: its absence is then DATA_LOST, never a silent blank disk. */
  readonly mustExist: boolean;
  /** What it may hold; without it, as much as there is. Only of 'until-delete' volumes. */
  readonly sizeBytes?: number;
}

/** Bytes on the engine's disk. */
export interface MachineStorage {
  /** Of its 'until-delete' volumes. */
  readonly lastingBytes: number;
  /** Of its container's own layer and its 'until-stop' volumes: what a stop frees. */
  readonly scratchBytes: number;
  /** Of the container that was measured. */
  readonly ref?: string;
}

/** What is kept for root alone counts neither as used nor as free. */
export interface DiskSpace {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** A port of the engine's host that leads to one of the machine while it runs. `ensure` says PORT_TAKEN when something else holds it. */
export interface MachinePort {
  readonly protocol: 'tcp' | 'udp';
  readonly internalPort: number;
  readonly publicPort: number;
  /** The host's address on which it listens. */
  readonly bind: string;
}

export interface SecurityProfile {
  /** Capabilities left after all were dropped, without the CAP_ prefix. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** The engine's default filter of system calls; without it only where an image cannot do otherwise. */
  readonly seccomp: 'default' | 'unconfined';
  /** Devices of the host that the container may use, at the same path inside: '/dev/dri'. */
  readonly devices: readonly string[];
}

export type EnsureProgress =
  | { readonly phase: 'pulling'; readonly percent: number; readonly bytesDone: number; readonly bytesTotal: number }
  /** In place of a pull: the stand-in is being made, by `npm run images` on this machine. */
  | { readonly phase: 'building'; readonly imageRef: string; readonly percent: number; readonly secondsLeft: number }
  | { readonly phase: 'storage'; readonly enforcement: StorageEnforcement }
  | { readonly phase: 'starting' };

export const MACHINE_STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

export interface Observation {
  readonly id: string;
  /** The engine's own id of the container. */
  readonly ref: string;
  /** Of the spec that it was made from. */
  readonly hash: string;
  readonly state: MachineState;
  /** On the VMs' bridge; absent when not running or when its network was cut. */
  readonly address?: string;
  /** Of the last run, once exited. */
  readonly exitCode?: number;
  /** As an inspect tells, or as `events` told shortly before the end. Both miss some: a 137 that nobody asked for may be this too. */
  readonly oomKilled: boolean;
  /** What the engine says of a failed start. */
  readonly error?: string;
  readonly startedAt?: Date;
  /** Further containers of the machine: what a replacement keeps, or one that was broken off leaves. Absent when there are none. */
  readonly others?: readonly OtherContainer[];
}

export interface OtherContainer {
  readonly hash: string;
  readonly state: MachineState;
}

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

export interface MachineLogLine {
  readonly at: Date;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface MachineStats {
  readonly at: Date;
  /** 100 is one core used whole. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
}

export interface MachineAddress {
  readonly host: string;
  readonly port: number;
}
