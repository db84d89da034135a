import pg from 'pg';
import { errorCode } from '../lib/error-code.ts';

/**
 * SQLSTATE classes and Node codes of an unavailable database. Other errors are the statement's, a violation of the
 * protocol (08P01) too: PgBouncer refuses start-up parameters with it.
 */
const UNAVAILABLE =
  /^(08(?!P01)|57P|57014|53|25006|25P03|ECONN|ENOENT|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/;

/** Messages of pg and Kysely, which have no code, for connections that broke or cannot be opened. */
const BROKEN_CONNECTION =
  /timeout exceeded when trying to connect|Connection terminated|connection timeout|timeout expired|Query read timeout|is not queryable|cached plan must not change result type|prepared statement \S+ does not exist|after calling end on the pool|has been discarded|been destroyed/i;

/** Whether the database cannot be reached, or cannot serve at the moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (UNAVAILABLE.test(errorCode(error) ?? '')) return true;
  return BROKEN_CONNECTION.test(error.message);
}

/** Whether the error comes from the database or the connection to it. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof pg.DatabaseError || isDatabaseUnavailable(error);
}

/** Whether the database rejected a value, such as a text with a NUL character (SQLSTATE class 22). */
export function isUnstorableValue(error: unknown): boolean {
  return /^22[0-9A-Z]{3}$/.test(errorCode(error) ?? '');
}
