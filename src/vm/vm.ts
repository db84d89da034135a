import type { MachineImage, StorageEnforcement } from '../engine/machine.ts';
import type { Mapping } from './networking/mapping.ts';
import type { PortForward } from './networking/port-forward.ts';
import type { VmBoot } from './vm-boot.ts';
import type { VmStatus } from './vm-status.ts';

/** Why the last attempt failed, in words that a user can act on. */
export interface VmFailure {
  /** The VM's status when it failed. */
  readonly step: VmStatus;
  readonly code: string;
  readonly message: string;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** The last lines that the app wrote, at most 20. */
  readonly logTail: readonly string[];
  /** ISO 8601. */
  readonly at: string;
  /** ISO 8601; absent when there is no automatic retry. */
  readonly retryAt?: string;
  /** Of an engine that does not answer: the last failure before, which is so again once it answers. */
  readonly before?: VmFailure;
}

/** The image of a VM's container. */
export interface VmImage extends MachineImage {
  /** The incarnation of the VM that took the image; null after the restart that took another was undone. */
  readonly incarnation: number | null;
  /** When it was stored, by the database's clock. */
  readonly since: Date;
}

/** What belongs to a VM, with the VM. */
export type OfVm<T> = T & { readonly vm: Vm };

/** A VM with its mappings and ports. */
export interface Vm {
  readonly id: string;
  readonly number: number;
  readonly userId: string;
  readonly vmlabel: string;
  readonly region: string;
  readonly distribution: string;
  readonly desktop: string | null;
  readonly cpu: number;
  readonly ramGb: number;
  readonly persistent: boolean;
  readonly enabled: boolean;
  readonly deleting: boolean;
  readonly generation: number;
  readonly incarnation: number;
  readonly status: VmStatus;
  readonly statusSince: Date;
  readonly observedAt: Date | null;
  readonly startedAt: Date | null;
  readonly lastFailure: VmFailure | null;
  /** Null before its first start. */
  readonly boot: VmBoot | null;
  readonly attempts: number;
  readonly engineRef: string | null;
  readonly address: string | null;
  /** The node that has the address; null on a single engine. */
  readonly node: string | null;
  readonly answeredHash: string | null;
  readonly undoneHash: string | null;
  readonly storageReady: boolean;
  readonly storageBytes: number;
  /** Size in GB of each volume that outlives a stop; null in rows of older versions until the next start. */
  readonly storageGb: number | null;
  /** How the engine enforces that size; null while there is no such volume. */
  readonly storageEnforcement: StorageEnforcement | null;
  /** What the container holds on the engine's disk outside those volumes, as last measured. */
  readonly scratchBytes: number;
  /** Null before its first boot, and after a stop that leaves no volume. */
  readonly image: VmImage | null;
  readonly lastEventSeq: number;
  readonly createdAt: Date;
  readonly mappings: readonly Mapping[];
  readonly ports: readonly PortForward[];
}
