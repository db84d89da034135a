import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { isDatabaseUnavailable, type Db } from '../../db/database.ts';
import { pruneEvents } from '../../events/event-store.ts';
import type { Log } from '../../log.ts';
import { pruneAudit } from '../../audit/audit-store.ts';

const EVERY_MS = 60_000;
const KEEP_EVENTS_DAYS = 7;

/** What is done once a minute, by whichever gateways run a reconciler: twice does no harm. Ends with the signal. */
export async function keepHouse(deps: { db: Db; auditDays: number; log: Log }, signal: AbortSignal): Promise<void> {
  const { db, auditDays, log } = deps;
  const chores: readonly (readonly [string, () => Promise<void>])[] = [
    ['forgetting old events', () => pruneEvents(db, KEEP_EVENTS_DAYS)],
    ['forgetting the old audit', () => pruneAudit(db, auditDays)],
    ['forgetting expired links', () => forgetLinks(db)],
  ];
  while (!signal.aborted) {
    for (const [what, chore] of chores) {
      await chore().catch((error: unknown) => {
        if (!signal.aborted && !isDatabaseUnavailable(error)) log.warn({ err: error }, `${what} failed; it is tried again in a minute`);
      });
    }
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function forgetLinks(db: Db): Promise<void> {
  await db
    .deleteFrom('open_link')
    .where('expires_at', '<', sql<Date>`now()`)
    .execute();
}
