export interface MachineSpec {
  /** The VM's UUID. */
  readonly id: string;
  /** Changes whenever anything in the spec does that needs another container; see `specHash` in labels. */
  readonly hash: string;
  readonly imageRef: string;
  /** An image built on the engine itself, which stands in where the registry of `imageRef` cannot be reached. */
  readonly localImageRef?: string;
  /** The image that the machine keeps, whatever `imageRef` stands for by now; its new containers are made from no other. */
  readonly keptImage?: MachineImage;
  /** Whether the registry is asked for a newer image of `imageRef` before the one that the engine has is taken. */
  readonly renewImage?: boolean;
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

/** The image of a container. */
export interface MachineImage {
  /** Which reference it was taken by: the spec's `imageRef`, or its `localImageRef`. */
  readonly reference: string;
  /** The engine's own id of it: 'sha256:…'. */
  readonly id: string;
  /** By which its registry knows it: 'sha256:…'. Absent when it is in none. */
  readonly digest?: string;
  /** Of a stand-in: the `imageRef` that it was taken for. */
  readonly standInFor?: string;
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

export const MACHINE_STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

export interface Observation {
  readonly id: string;
  /** The engine's own id of the container. */
  readonly ref: string;
  /** Of the spec that it was made from. */
  readonly hash: string;
  readonly state: MachineState;
  /** What it was made from. Absent in lists: only an inspect tells. */
  readonly image?: MachineImage;
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
