import type { ShownVm } from './expected-vm.ts';

/** A row of `vm`, as the database has it. */
export interface RowFact {
  readonly id: string;
  readonly userId: string;
  readonly enabled: boolean;
  readonly deleting: boolean;
  readonly status: string;
  readonly failure: string | undefined;
  readonly persistent: boolean;
  readonly engineRef: string | null;
  readonly storageReady: boolean;
  readonly storageEnforcement: string | null;
}

/** A container of the installation, as inspected. */
export interface ContainerFact {
  readonly id: string;
  readonly name: string;
  /** Undefined for a helper of the gateway. */
  readonly vmId: string | undefined;
  /** Running or paused. */
  readonly isLive: boolean;
  readonly isPaused: boolean;
  /** As the engine calls it. */
  readonly state: string;
  readonly startedAt: string;
  readonly env: ReadonlyMap<string, string>;
}

export interface VolumeFact {
  readonly name: string;
  readonly vmId: string;
  readonly isLasting: boolean;
  readonly isImage: boolean;
}

/** A loop device, or a file that one would be attached to. */
export interface StorageFact {
  readonly name: string;
  readonly vmId: string;
}

export interface AccountFact {
  readonly userId: string;
  /** The number of the last event. */
  readonly seq: number;
}

/** All that can be seen at one moment, by database, engine, host and API. */
export interface Facts {
  readonly rows: readonly RowFact[];
  readonly accounts: readonly AccountFact[];
  readonly shown: readonly (ShownVm & { readonly status: string; readonly changeUndone: boolean })[];
  readonly containers: readonly ContainerFact[];
  readonly volumes: readonly VolumeFact[];
  readonly loops: readonly StorageFact[];
  readonly files: readonly StorageFact[];
}
