/** A VM to create. The gateway's schema.graphql describes each field. */
export interface CreateVmInput {
  readonly vmlabel: string;
  /** The code of a region. */
  readonly region: string;
  readonly password: string;
  /** By default EPHEMERAL. */
  readonly storageType?: 'PERSISTENT' | 'EPHEMERAL' | null;
  /** The code of a catalog entry. */
  readonly distribution: string;
  readonly desktop?: string | null;
  readonly cpu: number;
  /** GB. */
  readonly ram: number;
  /** The same key again returns the VM of the first call. */
  readonly idempotencyKey?: string | null;
}

/** What to change. `cpu` and `ram` only while the VM is off. */
export interface UpdateVmInput {
  readonly id: string;
  readonly vmlabel?: string | null;
  readonly cpu?: number | null;
  readonly ram?: number | null;
}

export interface SetSecretInput {
  readonly vmId: string;
  readonly key: string;
  readonly value: string;
}

export interface AddSubdomainInput {
  readonly vmId: string;
  readonly name: string;
  readonly internalPort: number;
  /** By default PUBLIC. */
  readonly visibility?: 'PUBLIC' | 'PRIVATE' | null;
}

export interface AddPortInput {
  readonly vmId: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly internalPort: number;
}

/** Which address of a VM to open, and for how long. */
export interface OpenVmInput {
  readonly vmId: string;
  /** The name of a mapping; by default, the VM's own address. */
  readonly name?: string | null;
  /** How long the access lasts: 90s, 15m, 12h (the default) or 2d. */
  readonly accessFor?: string | null;
  /** Whether the gateway signs the browser in to the app; by default it does. */
  readonly signIn?: boolean | null;
}

/** Whom to share an address of a VM with, and for how long. */
export interface ShareVmInput {
  readonly vmId: string;
  readonly name?: string | null;
  readonly role: 'CONTROL' | 'VIEW';
  /** How long link and access last. */
  readonly for: string;
}

/** Names one forwarded port. */
export type RemovePortInput = AddPortInput;
