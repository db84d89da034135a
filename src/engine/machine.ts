export interface MachineSpec {
  /** The VM's UUID. */
  readonly id: string;
  /** Changes with every part of the spec that requires a new container; see `specHash` in labels.ts. */
  readonly hash: string;
  readonly imageRef: string;
  /** A stand-in image, built on the engine, for when the registry of `imageRef` cannot be reached. */
  readonly localImageRef?: string;
  /** The image that all new containers of the machine use, even if `imageRef` now points to another one. */
  readonly keptImage?: MachineImage;
  /** Whether to ask the registry for a newer image of `imageRef` before using the one on the engine. */
  readonly renewImage?: boolean;
  /** Replaces the image's own command. */
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly MachineVolume[];
  /** The only ports of the machine published on the engine's host. */
  readonly ports: readonly MachinePort[];
  /** vCPU cores, enforced as a CFS quota. May exceed the host's cores. */
  readonly cpu: number;
  /** Memory limit, including swap. */
  readonly memoryBytes: number;
  readonly pidsLimit: number;
  readonly shmBytes: number;
  /** Time between the stop signal and SIGKILL. */
  readonly stopGraceSeconds: number;
  readonly security: SecurityProfile;
  /** Which outgoing connections are allowed: the internet and the engine's name servers, or none. */
  readonly egress: 'internet' | 'none';
  /** runc, runsc, kata, as the operator configured; the engine's default if absent. */
  readonly runtime?: string;
  /** Labels for the container and its volumes, in addition to those of the driver. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The image of a container. */
export interface MachineImage {
  /** The reference that it was found by: the spec's `imageRef` or `localImageRef`. */
  readonly reference: string;
  /** The engine's id: 'sha256:…'. */
  readonly id: string;
  /** Its digest in the registry: 'sha256:…'. Absent if no registry has it. */
  readonly digest?: string;
  /** Only on a stand-in: the `imageRef` that it replaces. */
  readonly standInFor?: string;
}

/**
 * How the size of a machine's lasting volumes is enforced. HARD: a write past the limit fails with "no space left", in
 * this machine only. MEASURED: the usage is measured from time to time.
 */
export type StorageEnforcement = 'HARD' | 'MEASURED';

/** 'until-stop' volumes are removed when an ephemeral VM stops, 'until-delete' volumes only with the VM. */
export type VolumeLifetime = 'until-stop' | 'until-delete';

export interface MachineVolume {
  /** Unique within its machine: 'primary', 'workspace'. */
  readonly name: string;
  /** Absolute path inside the container. */
  readonly target: string;
  readonly lifetime: VolumeLifetime;
  /** True once it held data. If it is then missing, that is DATA_LOST, and no blank volume replaces it. */
  readonly mustExist: boolean;
  /** Maximum size; unlimited if absent. Only on 'until-delete' volumes. */
  readonly sizeBytes?: number;
}

/** Bytes on the engine's disk, of which each file and directory takes at least its share of the disk's inodes. */
export interface MachineStorage {
  /** Its 'until-delete' volumes. */
  readonly lastingBytes: number;
  /** Its container's writable layer and its 'until-stop' volumes, which a stop frees. */
  readonly scratchBytes: number;
  /** False if the measurement was cut short: then the machine holds at least this much. */
  readonly isWhole: boolean;
  /** The measured container. */
  readonly ref?: string;
}

/**
 * Forwards a port of the engine's host to a port of the machine while it runs. `ensure` rejects with PORT_TAKEN if
 * something else uses the host's port.
 */
export interface MachinePort {
  readonly protocol: 'tcp' | 'udp';
  readonly internalPort: number;
  readonly publicPort: number;
  /** The host address to listen on. */
  readonly bind: string;
}

export interface SecurityProfile {
  /** Capabilities to keep, without the CAP_ prefix. All others are dropped. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** 'default' is the engine's seccomp filter; 'unconfined' is for images that do not run with it. */
  readonly seccomp: 'default' | 'unconfined';
  /** Host devices available at the same path in the container: '/dev/dri'. */
  readonly devices: readonly string[];
}

export const MACHINE_STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

export interface Observation {
  readonly id: string;
  /** The engine's id of the container. */
  readonly ref: string;
  /** Hash of the spec that the container was created from. */
  readonly hash: string;
  readonly state: MachineState;
  /** The container's image. Absent in lists, because only an inspect returns it. */
  readonly image?: MachineImage;
  /** Address on the VMs' bridge. Absent if the container does not run or is disconnected from the network. */
  readonly address?: string;
  /** The node of a cluster that the container is on: its address is one of that node. Absent on a single engine. */
  readonly node?: string;
  /** Exit code of the last run, once exited. */
  readonly exitCode?: number;
  /**
   * From the inspect, or from an event shortly before the end. Both miss some cases: an unexpected exit code 137 can
   * be an OOM kill, too.
   */
  readonly oomKilled: boolean;
  /** The engine's message about a failed start. */
  readonly error?: string;
  readonly startedAt?: Date;
  /** The machine's other containers, kept by a replacement or left by an interrupted one. Absent if there are none. */
  readonly others?: readonly OtherContainer[];
}

export interface OtherContainer {
  readonly hash: string;
  readonly state: MachineState;
}

export interface MachineLogLine {
  readonly at: Date;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface MachineStats {
  readonly at: Date;
  /** 100 is one full core. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
}

export interface MachineAddress {
  readonly host: string;
  readonly port: number;
  /** The node that has the address; absent on a single engine. */
  readonly node?: string | undefined;
}
