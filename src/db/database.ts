import { Kysely, PostgresDialect, type ColumnType, type Generated, type Transaction } from 'kysely';
import pg from 'pg';
import type { OutageLog } from '../lib/outage-log.ts';
import { createDatabaseSocket } from './database-socket.ts';
import { createDeadlinePool } from './deadline-pool.ts';

/** A default of the database that callers may also set. */
type Defaulted<T> = ColumnType<T, T | undefined, T>;
/** A nullable column without a default. */
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;

export interface InstallationTable {
  id: Generated<string>;
  /** The id sealed with SECRETS_KEY: a gateway with another key is refused at start. */
  key_check: Optional<Buffer>;
  /** The id of the SECRETS_KEY that new data keys are sealed with. */
  active_key: Optional<string>;
  fingerprint_key: Optional<Buffer>;
  signing_key: Optional<Buffer>;
}

export interface AccountTable {
  user_id: string;
  plan: string;
  event_seq: Defaulted<number>;
  created_at: Generated<Date>;
}

export interface VmTable {
  id: Generated<string>;
  /** Order of creation, never reused: the cursor of lists. */
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
  /** Bumped by each change of desire; the fence of every write by a reconciler. */
  generation: Defaulted<number>;
  observed_generation: Defaulted<number>;
  /** Bumped to ask for a new container with the same spec: a restart. */
  incarnation: Defaulted<number>;
  status: Defaulted<string>;
  status_since: Defaulted<Date>;
  observed_at: Optional<Date>;
  started_at: Optional<Date>;
  last_failure: ColumnType<object | null, string | null | undefined, string | null>;
  /** The steps of the last boot; null in rows from before they were kept, until their next start. */
  boot: ColumnType<object | null, string | null | undefined, string | null>;
  /** Failed starts in a row: the exponent of the backoff. */
  attempts: Defaulted<number>;
  engine_ref: Optional<string>;
  address: Optional<string>;
  /** Of the spec whose container answered last since the start: what a replacement that does not come up goes back to. */
  answered_hash: Optional<string>;
  /** Of the spec whose container did not come up, and was undone: not tried again until the desire changes. */
  undone_hash: Optional<string>;
  /** Its volumes were made once: from then on their absence is a loss of data. */
  storage_ready: Defaulted<boolean>;
  storage_bytes: Defaulted<number>;
  /** GB of each volume that outlives a stop; null in rows from before there were sizes, until their next start. */
  storage_gb: Optional<number>;
  /** HARD or MEASURED; null while it has no such volume. */
  storage_enforcement: Optional<string>;
  /** Measured: the container's own layer and the volumes that go with a stop. */
  scratch_bytes: Defaulted<number>;
  /** The reference, by Docker's name, that its image was taken by; null while it has none, as the other columns of it. */
  image_reference: Optional<string>;
  /** The engine's own id of it. */
  image_id: Optional<string>;
  /** Its registry's; null when it is in none. */
  image_digest: Optional<string>;
  /** The catalog's reference that a stand-in was taken for; null when it is no stand-in. */
  image_stand_in_for: Optional<string>;
  /** Which incarnation it was taken for; another than the VM's, or null: the present image is taken next. */
  image_incarnation: Optional<number>;
  /** When that was written. */
  image_since: Optional<Date>;
  last_event_seq: Defaulted<number>;
  idempotency_key: Optional<string>;
  idempotency_hash: Optional<string>;
  lease_owner: Optional<string>;
  lease_until: Optional<Date>;
  /** When a reconciler should look next; null: only when something happens. */
  next_attempt_at: Optional<Date>;
  /** Counts hints, so that one that arrives during a pass is not lost at its end. */
  wakes: Defaulted<number>;
  created_at: Generated<Date>;
}

export interface VmSecretTable {
  vm_id: string;
  key: string;
  sealed: Buffer;
  /** Null in rows that SECRETS_KEY itself sealed. */
  data_key_id: Optional<string>;
  updated_at: Defaulted<Date>;
}

export interface DataKeyTable {
  id: string;
  user_id: string;
  sealed: Buffer;
  /** Ids of SECRETS_KEYs. */
  sealed_by: string;
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
  at: Generated<Date>;
}

/** VMs whose DELETED event is forgotten. */
export interface DeletedVmTable {
  vm_id: string;
  deleted_at: Date;
}

export interface OpenLinkTable {
  token_hash: Buffer;
  vm_id: string;
  name: Optional<string>;
  expires_at: Date;
  session_until: Date;
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
  /** Of an action that is counted by the minute. */
  minute: Optional<Date>;
  at: Generated<Date>;
}

export interface Database {
  installation: InstallationTable;
  account: AccountTable;
  vm: VmTable;
  vm_secret: VmSecretTable;
  data_key: DataKeyTable;
  vm_mapping: VmMappingTable;
  vm_port: VmPortTable;
  vm_event: VmEventTable;
  deleted_vm: DeletedVmTable;
  open_link: OpenLinkTable;
  audit: AuditTable;
}

export type Db = Kysely<Database>;
export type Trx = Transaction<Database>;

/** Counters fit a double for 285 years at a million a second; as numbers they compare as they should. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

export interface DatabaseOptions {
  readonly max?: number;
  /** How long a statement may take, in milliseconds; 5 s. */
  readonly answerMs?: number;
  /** Where failures to reach the database are logged. */
  readonly outage?: OutageLog;
  /** From its abort on, nothing waits for the database for more than about 3 s. */
  readonly ending?: AbortSignal;
  /** Told of each statement, for tests that count them. */
  readonly onQuery?: (sql: string) => void;
}

/** For migrations and for work on whole tables. */
export const LONG_ANSWER_MS = 600_000;
const ANSWER_MS = 5_000;
/** The server gives up first: its error keeps the connection. */
const SERVER_SHARE = 0.9;

/** A pool over `url`. A statement that gets no answer in time, or no connection within 3 s, is an error, never a hang. */
export function createDatabase(url: string, options: DatabaseOptions = {}): Db {
  const { max = 10, answerMs = ANSWER_MS, outage, ending = new AbortController().signal, onQuery } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    stream: createDatabaseSocket,
    connectionTimeoutMillis: 3000,
    statement_timeout: answerMs * SERVER_SHARE,
    idle_in_transaction_session_timeout: 15_000,
    application_name: 'swiftor-gateway',
    keepAlive: true,
  });
  const dialect = new PostgresDialect({
    pool: createDeadlinePool(pool, {
      answerMs,
      ending,
      onAnswer: () => outage?.answered(),
      onError(error) {
        // What was cut at the end is no outage.
        if (!ending.aborted && isDatabaseUnavailable(error)) outage?.failed(error);
      },
    }),
  });
  return onQuery === undefined
    ? new Kysely<Database>({ dialect })
    : new Kysely<Database>({ dialect, log: (event) => onQuery(event.query.sql) });
}

/** SQLSTATE classes and Node codes that mean "not now", as against "this statement is wrong". */
const UNAVAILABLE = /^(08|57P|57014|53|25006|25P03|ECONN|ENOENT|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/;

/** What pg and Kysely say, without a code, of connections that broke or cannot be had. */
const BROKEN_CONNECTION =
  /timeout exceeded when trying to connect|Connection terminated|connection timeout|timeout expired|Query read timeout|is not queryable|after calling end on the pool|has been discarded|been destroyed/i;

/** Whether the error says that the database cannot be reached or cannot serve at the moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && UNAVAILABLE.test(error.code)) return true;
  return BROKEN_CONNECTION.test(error.message);
}

/** Whether the error is the database's, whatever it means. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof pg.DatabaseError || isDatabaseUnavailable(error);
}

/** Whether the database refused a value that it cannot store, such as a text with the NUL character (SQLSTATE class 22). */
export function isUnstorableValue(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^22[0-9A-Z]{3}$/.test(error.code);
}
