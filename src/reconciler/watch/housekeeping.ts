import type { Db } from '../../db/database.ts';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import { pruneEvents } from '../../events/event-store.ts';
import type { Log } from '../../log.ts';
import { pruneAudit } from '../../audit/audit-store.ts';
import { deleteEndedAccesses } from '../../vm/access/access-store.ts';
import { pruneStats } from '../../vm/telemetry/stats-history.ts';
import { repeat } from '../../lib/concurrency/repeat.ts';

const EVERY_MS = 60_000;
const KEEP_EVENTS_DAYS = 7;

/** Deletes old rows once a minute until the signal aborts. Several gateways may do so at once. */
export async function runHousekeeping(
  deps: { db: Db; auditDays: number; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { db, auditDays, log } = deps;
  const tasks: readonly (readonly [string, () => Promise<void>])[] = [
    ['deleting old events', () => pruneEvents(db, KEEP_EVENTS_DAYS)],
    ['deleting old audit rows', () => pruneAudit(db, auditDays)],
    ['deleting accesses that are over', () => deleteEndedAccesses(db)],
    ['deleting old measurements', () => pruneStats(db)],
  ];
  const runAll = async (): Promise<void> => {
    for (const [name, task] of tasks) {
      await task().catch((error: unknown) => {
        if (!signal.aborted && !isDatabaseUnavailable(error))
          log.warn({ err: error }, `${name} failed; trying again in a minute`);
      });
    }
  };
  await repeat(runAll, { signal, pauseMs: () => EVERY_MS, onError: () => undefined });
}
