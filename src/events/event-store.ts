import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { isUuid } from '../lib/is-uuid.ts';
import type { VmEvent, VmEventKind } from './vm-event.ts';

/** What a reader is handed before it is live. */
export interface Beginning {
  /** Up to where the events speak for the account. */
  readonly seq: number;
  readonly events: readonly VmEvent[];
  /** Whether there was nothing after them; otherwise the reader comes again with `seq` as its cursor. */
  readonly complete: boolean;
}

const PAGE = 500;
/** A client that missed more than this is served faster by snapshots. */
const REPLAY_LIMIT = 10_000;

async function readEventSeq(db: Db, userId: string): Promise<number> {
  const row = await db.selectFrom('account').select('event_seq').where('user_id', '=', userId).executeTakeFirst();
  return row?.event_seq ?? 0;
}

/** A page of the account's events after the cursor, oldest first. */
export async function readEvents(db: Db, userId: string, after: number): Promise<{ events: VmEvent[]; complete: boolean }> {
  const rows = await db
    .selectFrom('vm_event')
    .selectAll()
    .where('user_id', '=', userId)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(PAGE)
    .execute();
  return { events: rows.map(toEvent), complete: rows.length < PAGE };
}

/** What came after the cursor, a page of it; undefined when the cursor is older than what is kept, or is not of this database. */
export async function readReplay(db: Db, userId: string, after: number): Promise<Beginning | undefined> {
  let { events, complete } = await readEvents(db, userId, after);
  if (events.length === 0) {
    const seq = await readEventSeq(db, userId);
    if (seq === after) return { seq, events, complete };
    // Of the future: another database. Else something committed between the two statements, and is there by now.
    if (seq > after) ({ events, complete } = await readEvents(db, userId, after));
  }
  const [first] = events;
  const last = events.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (first.seq !== after + 1) return undefined;
  if (!complete && (await readEventSeq(db, userId)) - after > REPLAY_LIMIT) return undefined;
  return { seq: last.seq, events, complete };
}

/** Of these accounts, those whose last event is not the one at the cursor that is named with them. One statement. */
export async function findMoved(db: Db, cursors: ReadonlyMap<string, number>): Promise<{ userId: string; seq: number }[]> {
  const { rows } = await sql<{ userId: string; seq: number }>`
    select account.user_id as "userId", account.event_seq as seq
    from unnest(${[...cursors.keys()]}::text[], ${[...cursors.values()]}::bigint[]) as known (user_id, seq)
    join account on account.user_id = known.user_id and account.event_seq <> known.seq
  `.execute(db);
  return rows;
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
    return [{ seq: index === rows.length - 1 ? seq : last_event_seq, kind: 'SNAPSHOT', vmId: id, status, at: at.toISOString() }];
  });
  return { seq, events, complete: true };
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

/**
 * Forgets events older than the age, and whatever came before them in their account: what is kept has no gap. A cursor
 * from before then starts again with snapshots. Which VMs were deleted is kept: see `findDeletedVms`.
 */
export async function pruneEvents(db: Db, keepDays: number): Promise<void> {
  await sql`
    with forgotten as (
      delete from vm_event using (
        select user_id, max(seq) as seq from vm_event where at < now() - make_interval(days => ${keepDays}) group by user_id
      ) as old
      where vm_event.user_id = old.user_id and vm_event.seq <= old.seq
      returning vm_event.vm_id, vm_event.kind, vm_event.at
    )
    insert into deleted_vm (vm_id, deleted_at) select vm_id, at from forgotten where kind = 'DELETED'
    on conflict do nothing
  `.execute(db);
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
    previousStatus: previous_status ?? undefined,
    reason: reason ?? undefined,
    at: at.toISOString(),
  };
}
