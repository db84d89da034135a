import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { OutageLog } from '../lib/outage-log.ts';
import { createDatabaseSocket } from './pool/database-socket.ts';
import { isDatabaseUnavailable } from './database-errors.ts';
import { createDeadlinePool } from './pool/deadline-pool.ts';
import type { Database } from './tables.ts';

export type Db = Kysely<Database>;
export type Trx = Transaction<Database>;

/** int8 as number: counters fit a double for 285 years at a million per second. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

export interface DatabaseOptions {
  readonly max?: number;
  /** The deadline of a statement in milliseconds. Default: 5 s. */
  readonly answerMs?: number;
  /** Logs when the database cannot be reached. */
  readonly outage?: Pick<OutageLog, 'failed' | 'answered'>;
  /** After its abort, nothing waits longer than about 3 s for the database. */
  readonly ending?: AbortSignal;
  /** Called with each statement, for tests that count them. */
  readonly onQuery?: (sql: string) => void;
}

/** The deadline for migrations and for work on whole tables. */
export const LONG_ANSWER_MS = 600_000;
const ANSWER_MS = 5_000;
/** The server closes connections of gateways that vanished without a FIN after a minute, not two hours. */
export const KEEPALIVE_OPTIONS = '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3';
/** The server's own timeout comes first, because its error keeps the connection usable. */
const SERVER_SHARE = 0.9;
/** Far more than the gateway's own statements: the columns and filters of lists vary. */
const MAX_PREPARED = 1_000;

const pools = new WeakMap<Db, pg.Pool>();

/** The connections of a database of `createDatabase`, and how many statements wait for one. */
export function countConnections(db: Db): { used: number; idle: number; waiting: number } {
  const pool = pools.get(db);
  if (pool === undefined) return { used: 0, idle: 0, waiting: 0 };
  return { used: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount };
}

/** Creates a pool for `url`. A statement fails without an answer in time, or without a connection within 3 s. */
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
    options: KEEPALIVE_OPTIONS,
  });
  const dialect = new PostgresDialect({
    pool: createDeadlinePool(pool, {
      answerMs,
      maxPrepared: MAX_PREPARED,
      ending,
      onAnswer: () => outage?.answered(),
      onError(error) {
        // Connections that the shutdown cut are not an outage.
        if (!ending.aborted && isDatabaseUnavailable(error)) outage?.failed(error);
      },
    }),
  });
  const db =
    onQuery === undefined
      ? new Kysely<Database>({ dialect })
      : new Kysely<Database>({ dialect, log: (event) => onQuery(event.query.sql) });
  pools.set(db, pool);
  return db;
}
