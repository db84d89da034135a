/** The observed state of a VM. */
export type VmStatus =
  | 'STOPPED'
  | 'QUEUED'
  | 'PULLING'
  | 'STARTING'
  | 'BOOTING'
  | 'RUNNING'
  | 'DEGRADED'
  | 'STOPPING'
  | 'FAILED'
  | 'DELETING'
  | 'DELETED'
  | 'UNKNOWN';

/** A browser desktop or app. Times are in RFC 3339. */
export interface Vm {
  readonly id: string;
  readonly vmlabel: string;
  /** The code of its region. */
  readonly region: string;
  readonly os: { readonly distribution: string; readonly desktop: string | null };
  /** `storage`: whether its primary volume is kept when it stops. `ram` in GB. */
  readonly specs: { readonly cpu: number; readonly ram: number; readonly storage: boolean };
  /** The desired state. */
  readonly enabled: boolean;
  /** The observed state. */
  readonly status: VmStatus;
  /** While QUEUED, PULLING, STARTING or BOOTING. */
  readonly progress: VmProgress | null;
  readonly lastFailure: VmFailure | null;
  /** The app's own address. Private: browsers need a link of `openVm`. */
  readonly url: string;
  readonly networking: readonly SubdomainMapping[];
  readonly ports: readonly PortForward[];
  readonly createdAt: string;
  /** When the app first answered after the last start. */
  readonly startedAt: string | null;
  /** When the engine last confirmed the status. */
  readonly observedAt: string | null;
}

export interface VmProgress {
  /** Of the download of its image; 100 from STARTING on. */
  readonly percent: number;
  readonly message: string;
  readonly bytesDone: number | null;
  readonly bytesTotal: number | null;
}

/** Why the last attempt failed. */
export interface VmFailure {
  /** The status in which it failed. */
  readonly step: VmStatus;
  readonly code: string;
  readonly message: string;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly logTail: readonly string[];
  readonly at: string;
  /** When the gateway retries; null if it does not. */
  readonly retryAt: string | null;
}

/** A name that leads to a port of the VM. */
export interface SubdomainMapping {
  readonly id: string;
  readonly name: string;
  readonly internalPort: number;
  readonly url: string;
  readonly visibility: 'PUBLIC' | 'PRIVATE';
}

/** A public port that leads to a port of the VM, for other protocols than HTTP. */
export interface PortForward {
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly internalPort: number;
  readonly publicPort: number;
  /** "host:port" */
  readonly address: string;
}

/** A link that gives one browser access to an address of a VM. It works once. */
export interface OpenLink {
  readonly url: string;
  /** When the link stops working. */
  readonly linkUntil: string;
  /** When the access ends that it gives. */
  readonly accessUntil: string;
}

/** A change of a VM, as the gateway has numbered it. */
export interface VmChange {
  /** Its number within the account, without gaps. */
  readonly seq: number;
  readonly kind: 'CREATED' | 'CHANGED' | 'DELETED';
  readonly vmId: string;
  readonly status: VmStatus;
  readonly previousStatus: VmStatus | null;
  readonly reason: string | null;
  readonly at: string;
}

/** The VMs of an account at one time. */
export interface VmsState {
  /** By id, in order of creation. */
  readonly vms: ReadonlyMap<string, Vm>;
  /** What has happened since the state before, each change once; empty in the first state. */
  readonly changes: readonly VmChange[];
}
