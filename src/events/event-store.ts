import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { isUuid } from '../lib/is-uuid.ts';
import type { VmEvent, VmEventKind } from './vm-event.ts';

/** What a reader starts with: events to hand over first, and the seq up to which they speak for the account. */
export interface Beginning {
  readonly seq: number;
  readonly events: readonly VmEvent[];
}

const PAGE = 500;
/** A client that missed more than this is served faster by snapshots. */
const REPLAY_LIMIT = 10_000;

export async function readEventSeq(db: Db, userId: string): Promise<number> {
  const row = await db.selectFrom('account').select('event_seq').where('user_id', '=', userId).executeTakeFirst();
  return row?.event_seq ?? 0;
}

/** The account's events after the cursor, oldest first, at most `limit`. */
export async function readEvents(db: Db, range: { userId: string; after: number; limit?: number }): Promise<VmEvent[]> {
  const rows = await db
    .selectFrom('vm_event')
    .selectAll()
    .where('user_id', '=', range.userId)
    .where('seq', '>', range.after)
    .orderBy('seq')
    .limit(range.limit ?? PAGE)
    .execute();
  return rows.map(toEvent);
}

/** Every event since the cursor; undefined when the cursor is older than what is kept, or is not of this database. */
export async function readReplay(db: Db, userId: string, after: number): Promise<Beginning | undefined> {
  const events = await readEvents(db, { userId, after, limit: REPLAY_LIMIT + 1 });
  const [first] = events;
  const last = events.at(-1);
  if (first === undefined || last === undefined) {
    return (await readEventSeq(db, userId)) === after ? { seq: after, events } : undefined;
  }
  return first.seq === after + 1 && events.length <= REPLAY_LIMIT ? { seq: last.seq, events } : undefined;
}

/**
 * The state of each VM, read in one statement, so it is the state at exactly one seq. Ordered by each VM's own last
 * seq and numbered with it: a client that is cut between two of them resumes from the smaller one and misses nothing.
 * The last carries the account's seq: the next event is the one after it.
 */
export async function readSnapshot(db: Db, userId: string, vmId: string | undefined): Promise<Beginning> {
  const rows = await db
    .selectFrom('account')
    .leftJoin('vm', (join) => {
      const own = join.onRef('vm.user_id', '=', 'account.user_id');
      return vmId === undefined ? own : own.on('vm.id', '=', vmId);
    })
    .select(['account.event_seq', 'vm.id', 'vm.status', 'vm.last_event_seq', sql<Date>`now()`.as('at')])
    .where('account.user_id', '=', userId)
    .orderBy('vm.last_event_seq')
    .execute();
  const seq = rows[0]?.event_seq ?? 0;
  const events = rows.flatMap(({ id, status, last_event_seq, at }, index): VmEvent[] => {
    if (id === null || status === null || last_event_seq === null) return [];
    return [{ seq: index === rows.length - 1 ? seq : last_event_seq, kind: 'SNAPSHOT', vmId: id, status, at }];
  });
  return { seq, events };
}

/** Whether the account has the VM, had it (then its last event), or never had it. */
export async function findOwnership(db: Db, userId: string, vmId: string): Promise<'has' | VmEvent | undefined> {
  if (!isUuid(vmId)) return undefined;
  const vm = await db.selectFrom('vm').select('id').where('id', '=', vmId).where('user_id', '=', userId).executeTakeFirst();
  if (vm !== undefined) return 'has';
  const last = await db
    .selectFrom('vm_event')
    .selectAll()
    .where('vm_id', '=', vmId)
    .where('user_id', '=', userId)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  return last === undefined ? undefined : toEvent(last);
}

/** Forgets events older than the age; a cursor from before then starts again with snapshots. */
export async function pruneEvents(db: Db, keepDays: number): Promise<void> {
  await db
    .deleteFrom('vm_event')
    .where('at', '<', sql<Date>`now() - make_interval(days => ${keepDays})`)
    .execute();
}

interface EventRow {
  seq: number;
  kind: string;
  vm_id: string;
  status: string;
  previous_status: string | null;
  reason: string | null;
  at: Date;
}

function toEvent({ seq, kind, vm_id, status, previous_status, reason, at }: EventRow): VmEvent {
  return {
    seq,
    kind: kind as VmEventKind,
    vmId: vm_id,
    status,
    at,
    ...(previous_status !== null && { previousStatus: previous_status }),
    ...(reason !== null && { reason }),
  };
}
