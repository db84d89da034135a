import type { Socket } from 'node:net';
import type {
  DiskSpace,
  EngineDescription,
  EngineEvent,
  EngineNode,
  Inventory,
  IsolationState,
} from './engine-reports.ts';
import type { FileAccess } from './files.ts';
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
import type { MachineTerminal, ProgramEnd, ProgramOptions, ProgramProblem, TerminalOptions } from './programs.ts';

/**
 * The contract between the gateway and an engine. A driver knows machines, not rows, users or plans. A machine is at
 * most one running container plus its volumes, addressed by an id that the caller chooses (the VM's UUID). All methods
 * are idempotent: "already so" is success. Every method ends when its signal aborts, and rejects with an EngineError
 * when the engine refuses or does not answer.
 */
export interface EngineDriver {
  /** Resolves when the engine answers. Rejects with ENGINE_UNREACHABLE otherwise. */
  ping(signal: AbortSignal): Promise<void>;

  /**
   * Called once the engine answers, then every few seconds. Ensures that no machine reaches another machine, the
   * engine's host, private networks or the cloud's metadata service, even after changes to the host's firewall.
   * Rejects with ISOLATION_FAILED if isolation cannot be set up; `ensure` then starts nothing and rejects likewise.
   * Also ensures that no machine can use up what the host's kernel shares among all, as far as the host can hold that.
   */
  isolate(signal: AbortSignal): Promise<IsolationState>;

  /**
   * Called before the first start of a machine whose data must exist from its creation on. Creates and labels the
   * missing volumes of the spec and keeps the content of existing ones. A new volume with a size gets a hard limit if
   * the engine's host supports it; existing volumes without a limit stay as they are. Resolves to how sizes are
   * enforced, or to undefined if the machine has no lasting volumes.
   */
  ensureVolumes(spec: MachineSpec, signal: AbortSignal): Promise<StorageEnforcement | undefined>;

  /**
   * Brings a machine up: pulls a missing image, creates network, volumes and container, and starts it. Afterwards
   * exactly one container with the spec's hash runs, or has run and exited at once (see `observe`).
   *
   * - Progress: 'pulling' only if the image is missing, 'storage' once the lasting volumes exist, 'starting' once the
   *   container exists.
   * - Volumes smaller than the spec says grow unless they are mounted. Volumes never shrink.
   * - Containers of the machine with another hash are stopped and removed before the new one starts, but after its
   *   creation: a missing image or lost data does not end them. Their volumes stay. The container with the hash `keep`
   *   is only stopped, so `revert` can bring it back.
   * - A paused container is resumed.
   * - A second call adopts whatever an aborted call has left.
   */
  ensure(
    spec: MachineSpec,
    signal: AbortSignal,
    onProgress: (progress: EnsureProgress) => void,
    keep?: string,
  ): Promise<Observation>;

  /**
   * Called when a replacement does not come up. Stops and removes the machine's other containers, then starts the one
   * with that hash, which `ensure` kept. Resolves to undefined and changes nothing if there is no such container, or
   * removes it if it can never start again because its network is gone.
   */
  revert(id: string, hash: string, signal: AbortSignal): Promise<Observation | undefined>;

  /** Called when a replacement answers. Removes the machine's containers except `ref`; its volumes stay. */
  removeOthers(id: string, ref: string, signal: AbortSignal): Promise<void>;

  /** Stops the machine's containers: stop signal, grace period, then SIGKILL. */
  stop(id: string, signal: AbortSignal): Promise<void>;

  /** Removes the machine's containers, and its volumes with a lifetime in `volumes`. */
  remove(id: string, volumes: readonly VolumeLifetime[], signal: AbortSignal): Promise<void>;

  /**
   * The machine's current state on the engine; undefined if it has no container. If an interrupted replacement left two
   * containers, the live one counts, else the newer.
   */
  observe(id: string, signal: AbortSignal): Promise<Observation | undefined>;

  /**
   * Everything this installation owns on the engine, each machine once, as in `observe`. Takes a bounded number of
   * calls, plus one for each known container that the list lacks: an engine can list fewer containers than it has.
   */
  list(signal: AbortSignal): Promise<Inventory>;

  /**
   * The machines on that node, as in `list`; on a single engine, all. Called for each start, so it takes as many calls
   * on a cluster as on one engine. Rejects if the node is not there.
   */
  listNode(node: string | undefined, signal: AbortSignal): Promise<readonly Observation[]>;

  /**
   * Hints that a machine changed, from now on. Ends with an EngineError when the stream breaks. Callers must expect
   * missed events.
   */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>;

  /**
   * The last `tail` lines of the machine's output, oldest first. With `follow`, new lines follow until the container
   * ends. A machine that writes faster than a follower reads (at most 4 MB a second) delays only its own lines, and the
   * engine drops what it rotates meanwhile. Empty without a container.
   */
  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<MachineLogLine>;

  /** About one reading per second while the container runs. The first one needs two samples to compare. */
  stats(id: string, signal: AbortSignal): AsyncIterable<MachineStats>;

  /** The current address of `port` in the container `ref`; undefined if that container does not run. */
  address(id: string, ref: string, port: number, signal: AbortSignal): Promise<MachineAddress | undefined>;

  /**
   * Connects to a port of a machine, for the app's own protocol. What goes wrong is an error of the socket. The caller
   * sets the deadline: 'connect' tells that the machine is reached, or 'secureConnect' if the socket is one of TLS.
   */
  dial(to: MachineAddress): Socket;

  /**
   * Where clients reach the public ports of machines on that node; undefined on a single engine, and for a node that is
   * not known.
   */
  publicHost(node: string): string | undefined;

  /**
   * Starts a shell on a terminal in the container `ref`: /bin/bash if the image has it, else /bin/sh, in the user's
   * home. Its processes end when the terminal is closed, and also when the gateway ends without closing it. 'no-shell'
   * if the image has none.
   */
  openTerminal(
    id: string,
    ref: string,
    options: TerminalOptions,
    signal: AbortSignal,
  ): Promise<MachineTerminal | ProgramProblem>;

  /**
   * Runs a program without input in the container `ref`, to its end or until its time is up; then, and when the signal
   * aborts, its processes are killed. Output is read at 4 MB a second at most. The image needs a /bin/sh.
   */
  runProgram(id: string, ref: string, options: ProgramOptions, signal: AbortSignal): Promise<ProgramEnd>;

  /** The files in machines' volumes. */
  readonly files: FileAccess;

  /** Disk usage by machine id. Takes up to seconds: do not call it while a request waits. */
  measureStorage(signal: AbortSignal): Promise<ReadonlyMap<string, MachineStorage>>;

  /**
   * Usage of the disk that holds all images, containers and volumes; undefined if the engine's host cannot report it.
   * Takes about 0.2 s.
   */
  diskSpace(signal: AbortSignal): Promise<DiskSpace | undefined>;

  /** The nodes of a cluster as last seen, without a call; none for a single engine. */
  nodes(): readonly EngineNode[];

  /** The engine's CPU architecture and all its images, in a bounded number of calls. */
  describe(signal: AbortSignal): Promise<EngineDescription>;

  /** True if the image's registry answers the engine, even with an error; false after 3 s at the latest. */
  reachesRegistry(imageRef: string, signal: AbortSignal): Promise<boolean>;

  /** The devices ('/dev/dri') that the engine's host lacks. Rejects if the check fails. Takes about 0.3 s. */
  findMissingDevices(devices: readonly string[], signal: AbortSignal): Promise<readonly string[]>;

  /**
   * Called at startup, then every half minute. Removes the temporary containers and volumes that killed gateways of
   * this installation left on the engine. Keeps those that another gateway may still use.
   */
  sweep(signal: AbortSignal): Promise<void>;

  /**
   * Cancels background work, waits at most 10 s until its leftovers are removed from the engine, and closes the
   * sockets. Call no other method afterwards.
   */
  close(): Promise<void>;
}

export type EnsureProgress =
  | { readonly phase: 'pulling'; readonly percent: number; readonly bytesDone: number; readonly bytesTotal: number }
  /** Instead of a pull: `npm run images` is building the stand-in on this machine. */
  | { readonly phase: 'building'; readonly imageRef: string; readonly percent: number; readonly secondsLeft: number }
  | { readonly phase: 'storage'; readonly enforcement: StorageEnforcement }
  | { readonly phase: 'starting' };

export interface LogOptions {
  /** Maximum number of past lines. */
  readonly tail: number;
  /** Whether to continue with new lines until the container ends. */
  readonly follow: boolean;
  /** Only lines of this time and after it. */
  readonly since?: Date;
  /** How many lines of exactly `since` are left out too: those that were read before. Default: none. */
  readonly skip?: number;
  /**
   * Called for each new line with the bytes that are there of it, before its text is read. False leaves the line out,
   * which costs a hundredth of reading it. Default: all lines.
   */
  readonly admit?: (bytes: number) => boolean;
}
