import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { EngineDriver } from '../engine/driver.ts';
import { pruneEvents } from '../events/event-store.ts';
import type { Log } from '../log.ts';
import { pruneAudit } from '../vm/audit-store.ts';

const EVERY_MS = 60_000;
const MEASURE_DEADLINE_MS = 30_000;
const KEEP_EVENTS_DAYS = 7;

/** What is done once a minute, by whichever gateways run a reconciler: twice does no harm. Ends with the signal. */
export async function keepHouse(
  deps: { db: Db; drivers: readonly EngineDriver[]; auditDays: number; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { db, drivers, auditDays, log } = deps;
  const chores: readonly (readonly [string, () => Promise<void>])[] = [
    ['measuring volumes', () => measureVolumes(db, drivers, signal)],
    ['forgetting old events', () => pruneEvents(db, KEEP_EVENTS_DAYS)],
    ['forgetting the old audit', () => pruneAudit(db, auditDays)],
    ['forgetting expired links', () => forgetLinks(db)],
  ];
  while (!signal.aborted) {
    for (const [what, chore] of chores) {
      await chore().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, `${what} failed; it is tried again in a minute`);
      });
    }
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The measured size of persistent volumes is what storage limits are checked against. */
async function measureVolumes(db: Db, drivers: readonly EngineDriver[], signal: AbortSignal): Promise<void> {
  const { any } = await db
    .selectFrom('vm')
    .select((eb) => eb.fn.countAll<number>().as('any'))
    .where('storage_ready', '=', true)
    .executeTakeFirstOrThrow();
  if (any === 0) return;
  for (const driver of drivers) {
    const sizes = [...(await driver.volumeBytes(AbortSignal.any([signal, AbortSignal.timeout(MEASURE_DEADLINE_MS)])))];
    if (sizes.length === 0) continue;
    await sql`
      update vm set storage_bytes = size.bytes
      from unnest(${sizes.map(([id]) => id)}::uuid[], ${sizes.map(([, bytes]) => bytes)}::bigint[]) as size (id, bytes)
      where vm.id = size.id and vm.storage_bytes <> size.bytes
    `.execute(db);
  }
}

async function forgetLinks(db: Db): Promise<void> {
  await db
    .deleteFrom('open_link')
    .where('expires_at', '<', sql<Date>`now()`)
    .execute();
}
