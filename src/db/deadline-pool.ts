import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { createPoolCloser } from './pool-closer.ts';

export interface DeadlinePoolOptions {
  /** How long a statement may go without an answer, in milliseconds. */
  readonly answerMs: number;
  /** From its abort on that is 2 s at most, and after the first deadline that passes nobody gets a connection any more. */
  readonly ending: AbortSignal;
  readonly onAnswer: () => void;
  readonly onError: (error: unknown) => void;
}

const ENDING_ANSWER_MS = 2_000;
/**
 * SQLSTATEs after which a connection is of no use: the server ends it (its own end comes a moment later), or has become a
 * standby, which keeps its connections after a failover.
 */
const LOST_CONNECTION = /^(08|57P|25P03|25P04|25006)/;

/**
 * A pool, for Kysely, on which no statement waits for ever. A connection that died without a word is known by its silence: a
 * statement without an answer in time rejects and its connection is destroyed, since an answer might still come and would be
 * taken for the next one's.
 */
export function createDeadlinePool(pool: pg.Pool, { answerMs, ending, onAnswer, onError }: DeadlinePoolOptions): PostgresPool {
  const lent = new WeakMap<pg.PoolClient, LentClient>();
  const waiting = new Set<Statement>();
  /** Connections that last answered before this are doubted: one that was asked then has been silent since. */
  let doubtedUntil = 0;
  let isGivenUp = false;

  const giveUp = (statement: Statement): void => {
    statement.isLate = true;
    doubtedUntil = Math.max(doubtedUntil, statement.askedAt);
    if (ending.aborted) isGivenUp = true;
    // With a statement under way, pg destroys the connection; the pool drops the client at its release.
    void statement.client.end();
  };

  const query = async (client: pg.PoolClient, text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
    const statement: Statement = { client, askedAt: performance.now(), isLate: false };
    const limit = ending.aborted ? Math.min(answerMs, ENDING_ANSWER_MS) : answerMs;
    const timer = setTimeout(giveUp, limit, statement);
    waiting.add(statement);
    try {
      const result = await client.query(text, [...values]);
      answered(client);
      return result;
    } catch (error) {
      if (isErrorOfServer(error)) {
        if (LOST_CONNECTION.test(error.code)) void client.end();
        else answered(client);
      }
      const reason = statement.isLate ? noAnswer(limit, error) : error;
      onError(reason);
      throw reason;
    } finally {
      clearTimeout(timer);
      waiting.delete(statement);
    }
  };
  const answered = (client: pg.PoolClient): void => {
    const known = lent.get(client);
    if (known !== undefined) known.answeredAt = performance.now();
    onAnswer();
  };

  // pg-pool listens for errors of idle clients only: one that breaks while it is lent would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    lent.set(client, {
      answeredAt: performance.now(),
      handle: {
        // The type has an overload for cursors besides, which nothing here uses.
        query: ((text: string, values: readonly unknown[]) => query(client, text, values)) as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy),
      },
    });
  });
  pool.on('error', onError);

  const connect = async (): Promise<PostgresPoolClient> => {
    for (;;) {
      if (isGivenUp) throw noAnswer(ENDING_ANSWER_MS);
      const client = await pool.connect().catch((error: unknown) => {
        if (ending.aborted) isGivenUp = true;
        onError(error);
        throw error;
      });
      const known = lent.get(client);
      if (known !== undefined && known.answeredAt >= doubtedUntil) return known.handle;
      // Replaced unasked: ten dead connections would cost ten deadlines.
      client.release(true);
    }
  };

  ending.addEventListener('abort', () => {
    const early = [...waiting];
    setTimeout(() => early.filter((statement) => waiting.has(statement)).forEach(giveUp), ENDING_ANSWER_MS).unref();
  });

  return { options: pool.options, connect, end: createPoolCloser(pool) };
}

interface LentClient {
  readonly handle: PostgresPoolClient;
  /** By performance.now(). */
  answeredAt: number;
}

interface Statement {
  readonly client: pg.PoolClient;
  readonly askedAt: number;
  isLate: boolean;
}

/** Whether the server answered with an error, as against a connection that broke. */
function isErrorOfServer(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

function noAnswer(milliseconds: number, cause?: unknown): Error {
  return Object.assign(new Error(`The database did not answer within ${milliseconds / 1000} s.`, { cause }), { code: 'ETIMEDOUT' });
}
