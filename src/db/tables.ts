import type { ColumnType, Generated } from 'kysely';

/** A column with a default, which inserts may set. */
type Defaulted<T> = ColumnType<T, T | undefined, T>;
/** A nullable column without a default. */
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;

export interface InstallationTable {
  id: Generated<string>;
  /** The id, encrypted with SECRETS_KEY: a gateway with another key does not start. */
  key_check: Optional<Buffer>;
  /** The id of the SECRETS_KEY that encrypts new data keys. */
  active_key: Optional<string>;
  fingerprint_key: Optional<Buffer>;
  signing_key: Optional<Buffer>;
}

export interface AccountTable {
  user_id: string;
  plan: string;
  event_seq: Defaulted<number>;
  created_at: Generated<Date>;
  /** The order of creation. The cursor of lists. */
  number: Generated<number>;
  /** The plan that an operator has set. It counts before the token's. */
  operator_plan: Optional<string>;
  /** When an operator suspended the account, and why. Null if it is not suspended. */
  suspended_at: Optional<Date>;
  suspended_reason: Optional<string>;
}

export interface VmTable {
  id: Generated<string>;
  /** The order of creation, never reused. The cursor of lists. */
  number: Generated<number>;
  user_id: string;
  vmlabel: string;
  region: string;
  distribution: string;
  desktop: Optional<string>;
  cpu: number;
  ram_gb: number;
  persistent: boolean;
  enabled: Defaulted<boolean>;
  deleting: Defaulted<boolean>;
  /** Incremented by each change of the desired state. Fences every write of a reconciler. */
  generation: Defaulted<number>;
  observed_generation: Defaulted<number>;
  /** Incremented to request a new container with the same spec: a restart. */
  incarnation: Defaulted<number>;
  status: Defaulted<string>;
  status_since: Defaulted<Date>;
  observed_at: Optional<Date>;
  started_at: Optional<Date>;
  last_failure: ColumnType<object | null, string | null | undefined, string | null>;
  /** The steps of the last boot. Null in rows of earlier versions until the next start. */
  boot: ColumnType<object | null, string | null | undefined, string | null>;
  /** Consecutive failed starts: the exponent of the backoff. */
  attempts: Defaulted<number>;
  engine_ref: Optional<string>;
  address: Optional<string>;
  /** The node that has the address; null on a single engine. */
  node: Optional<string>;
  /** The spec whose container answered last since the start. A failed replacement reverts to it. */
  answered_hash: Optional<string>;
  /** The spec whose container failed and was undone. Not retried until the desired state changes. */
  undone_hash: Optional<string>;
  /** Its volumes were created: a missing one is a loss of data from now on. */
  storage_ready: Defaulted<boolean>;
  storage_bytes: Defaulted<number>;
  /** GB of each volume that outlives a stop. Null in rows of earlier versions until the next start. */
  storage_gb: Optional<number>;
  /** HARD or MEASURED. Null without such a volume. */
  storage_enforcement: Optional<string>;
  /** The measured size of the container's layer and of the volumes that a stop removes. */
  scratch_bytes: Defaulted<number>;
  /** The reference of its image, in Docker's normal form. Null without an image, like the next columns. */
  image_reference: Optional<string>;
  /** The engine's id of the image. */
  image_id: Optional<string>;
  /** The registry's digest. Null if it is in no registry. */
  image_digest: Optional<string>;
  /** The catalog's reference that this stand-in replaces. Null if it is not a stand-in. */
  image_stand_in_for: Optional<string>;
  /** The incarnation that chose the image. If it is null or not the VM's, the next start takes the current image. */
  image_incarnation: Optional<number>;
  /** When the image was chosen. */
  image_since: Optional<Date>;
  last_event_seq: Defaulted<number>;
  idempotency_key: Optional<string>;
  idempotency_hash: Optional<string>;
  lease_owner: Optional<string>;
  lease_until: Optional<Date>;
  /** The gateway that asks the app of this running VM. Null while a gateway has the lease, and for all other VMs. */
  watcher: Optional<string>;
  /** When a reconciler looks next. Null: only after an event. */
  next_attempt_at: Optional<Date>;
  /** Counts wake-ups, because one that arrives during a pass must not be lost at its end. */
  wakes: Defaulted<number>;
  /** The request that changed the desired state, for tracing. Null once that is reached, and without an SDK. */
  traceparent: Optional<string>;
  /** Incremented when an access to the VM's addresses is ended. */
  access_version: Defaulted<number>;
  created_at: Generated<Date>;
}

/** Gateways that ask the apps of running VMs. */
export interface WatcherTable {
  owner: string;
  /** Its VMs are those of other gateways afterwards, unless it is renewed. */
  alive_until: Date;
  /** All its VMs have been as their rows say since then. */
  checked_at: Date;
}

export interface VmSecretTable {
  vm_id: string;
  key: string;
  sealed: Buffer;
  /** Null if SECRETS_KEY encrypts the value directly. */
  data_key_id: Optional<string>;
  updated_at: Defaulted<Date>;
}

export interface DataKeyTable {
  id: string;
  user_id: string;
  sealed: Buffer;
  /** The id of the SECRETS_KEY that encrypts it. */
  sealed_by: string;
  /** The id of the SECRETS_KEY at its creation. */
  made_under: string;
  in_use: Defaulted<boolean>;
  created_at: Generated<Date>;
}

export interface VmMappingTable {
  vm_id: string;
  name: string;
  internal_port: number;
  visibility: string;
  created_at: Generated<Date>;
}

export interface VmPortTable {
  vm_id: string;
  protocol: string;
  internal_port: number;
  public_port: number;
  created_at: Generated<Date>;
}

export interface VmEventTable {
  user_id: string;
  seq: number;
  vm_id: string;
  kind: string;
  status: string;
  previous_status: Optional<string>;
  reason: Optional<string>;
  /** What an operator said of the change, for its owner. */
  note: Optional<string>;
  at: Generated<Date>;
}

/** Deleted VMs whose events are pruned. */
export interface DeletedVmTable {
  vm_id: string;
  deleted_at: Date;
}

export interface ApiTokenTable {
  id: Generated<string>;
  user_id: string;
  /** Null: the user's own. */
  service_account: Optional<string>;
  name: string;
  scope: string;
  hash: Buffer;
  created_at: Generated<Date>;
  expires_at: Date;
  last_used_at: Optional<Date>;
}

/** Regions where nothing new starts. */
export interface RegionDrainTable {
  region: string;
  reason: string;
  since: Defaulted<Date>;
}

export interface VmAccessTable {
  id: Generated<string>;
  vm_id: string;
  /** The mapping. Null: the VM's own address. */
  name: Optional<string>;
  role: string;
  is_guest: boolean;
  signs_in: boolean;
  link_hash: Buffer;
  link_until: Date;
  /** Null until the link is used, like the next columns. */
  token_hash: Optional<Buffer>;
  created_at: Generated<Date>;
  opened_at: Optional<Date>;
  address: Optional<string>;
  signed_in_at: Optional<Date>;
  /** The token_hash of the accesses of the same browser that it has replaced. */
  replaced: Generated<Buffer[]>;
  until: Date;
  /** The API token by which the link was made. */
  api_token_id: Optional<string>;
}

export interface AuditTable {
  user_id: string;
  number: Generated<number>;
  actor: Optional<string>;
  address: string;
  action: string;
  vm_id: string;
  vmlabel: string;
  details: ColumnType<Record<string, unknown>, string | undefined, string>;
  count: Defaulted<number>;
  /** The minute whose equal actions the row counts. Null in rows of earlier versions. */
  repeats_in: Optional<Date>;
  at: Generated<Date>;
}

export interface VmStatsTable {
  vm_id: string;
  at: Date;
  stored_at: Generated<Date>;
  cpu_percent: number;
  memory_bytes: number;
  memory_limit_bytes: number;
  network_rx_bytes: number;
  network_tx_bytes: number;
}

export interface Database {
  installation: InstallationTable;
  account: AccountTable;
  vm: VmTable;
  watcher: WatcherTable;
  vm_secret: VmSecretTable;
  data_key: DataKeyTable;
  vm_mapping: VmMappingTable;
  vm_port: VmPortTable;
  vm_event: VmEventTable;
  deleted_vm: DeletedVmTable;
  api_token: ApiTokenTable;
  region_drain: RegionDrainTable;
  vm_access: VmAccessTable;
  vm_stats: VmStatsTable;
  audit: AuditTable;
}
