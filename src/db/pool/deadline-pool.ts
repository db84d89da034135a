import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { createPoolCloser } from './pool-closer.ts';
import { StatementNames } from './statement-names.ts';

export interface DeadlinePoolOptions {
  /** The deadline of a statement, in milliseconds. */
  readonly answerMs: number;
  /** A connection with more prepared statements is replaced, because the server keeps each of them in memory. */
  readonly maxPrepared: number;
  /** After its abort the deadline is 2 s at most, and the first one that passes closes the pool to new callers. */
  readonly ending: AbortSignal;
  readonly onAnswer: () => void;
  readonly onError: (error: unknown) => void;
}

const ENDING_ANSWER_MS = 2_000;
/**
 * SQLSTATEs that make a connection unusable: the server is about to close it, or has become a standby, which keeps its
 * connections after a failover.
 */
const LOST_CONNECTION = /^(08|57P|25P03|25P04|25006)/;
/**
 * SQLSTATEs of a named statement that a connection cannot run again: a migration changed its columns, or it is gone.
 */
const LOST_STATEMENT = /^(0A000|26000)$/;

/**
 * A pool for Kysely with a deadline for every statement. A late statement rejects, and its connection is destroyed: a
 * late answer would be mistaken for that of the next statement.
 */
export function createDeadlinePool(
  pool: pg.Pool,
  { answerMs, maxPrepared, ending, onAnswer, onError }: DeadlinePoolOptions,
): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, KnownClient>();
  const pending = new Set<Statement>();
  const names = new StatementNames();
  /** Connections that last answered before this time are suspect: a statement sent then got no answer. */
  let suspectBefore = 0;
  let lastAnswerAt = 0;
  let isClosed = false;

  const expire = (statement: Statement): void => {
    statement.isLate = true;
    suspectBefore = Math.max(suspectBefore, statement.sentAt);
    if (ending.aborted) isClosed = true;
    // pg destroys a connection with a pending statement, and the pool drops the client at its release.
    void statement.client.end();
  };

  const query = async (client: pg.PoolClient, text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
    const statement: Statement = { client, sentAt: performance.now(), isLate: false };
    const limit = ending.aborted ? Math.min(answerMs, ENDING_ANSWER_MS) : answerMs;
    const timer = setTimeout(expire, limit, statement);
    pending.add(statement);
    try {
      const result = await client.query(configOf(client, text, values));
      answered(client);
      return result;
    } catch (error) {
      if (isServerError(error)) {
        if (LOST_CONNECTION.test(error.code) || LOST_STATEMENT.test(error.code)) void client.end();
        else answered(client);
      }
      const reason = statement.isLate ? timeoutError(limit, error) : error;
      onError(reason);
      throw reason;
    } finally {
      clearTimeout(timer);
      pending.delete(statement);
    }
  };
  const configOf = (client: pg.PoolClient, text: string, values: readonly unknown[]): pg.QueryConfig => {
    // A statement without parameters, such as `begin`, takes one message and no plan.
    const name = values.length === 0 ? undefined : names.nameOf(text);
    if (name === undefined) return { text, values: values as unknown[] };
    clients.get(client)?.named.add(name);
    return { name, text, values: values as unknown[] };
  };
  const answered = (client: pg.PoolClient): void => {
    const known = clients.get(client);
    lastAnswerAt = performance.now();
    if (known !== undefined) known.answeredAt = lastAnswerAt;
    onAnswer();
  };

  // pg-pool listens for errors of idle clients only: an error of a client in use would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    const named = new Set<string>();
    clients.set(client, {
      answeredAt: performance.now(),
      named,
      handle: {
        // The type also has an overload for cursors, which nothing uses.
        query: ((text: string, values: readonly unknown[]) =>
          query(client, text, values)) as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy === true || named.size > maxPrepared),
      },
    });
  });
  pool.on('error', onError);

  const connect = async (): Promise<PostgresPoolClient> => {
    for (;;) {
      if (isClosed) throw timeoutError(ENDING_ANSWER_MS);
      const startedAt = performance.now();
      const client = await pool.connect().catch((error: unknown) => {
        // If statements were answered meanwhile, all connections are in use, and the database is well.
        const isBusy = lastAnswerAt >= startedAt;
        if (ending.aborted && !isBusy) isClosed = true;
        if (!isBusy) onError(error);
        throw error;
      });
      const known = clients.get(client);
      if (known !== undefined && known.answeredAt >= suspectBefore) return known.handle;
      // Replaced without a test: ten dead connections would cost ten deadlines.
      client.release(true);
    }
  };

  ending.addEventListener('abort', () => {
    const early = [...pending];
    setTimeout(() => early.filter((statement) => pending.has(statement)).forEach(expire), ENDING_ANSWER_MS).unref();
  });

  return { options: pool.options, connect, end: createPoolCloser(pool) };
}

interface KnownClient {
  readonly handle: PostgresPoolClient;
  /** The names of its prepared statements. */
  readonly named: Set<string>;
  /** By performance.now(). */
  answeredAt: number;
}

interface Statement {
  readonly client: pg.PoolClient;
  readonly sentAt: number;
  isLate: boolean;
}

/** Whether the server sent the error. Broken connections have errors without a severity. */
function isServerError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

function timeoutError(milliseconds: number, cause?: unknown): Error {
  return Object.assign(new Error(`The database did not answer within ${milliseconds / 1000} s.`, { cause }), {
    code: 'ETIMEDOUT',
  });
}
