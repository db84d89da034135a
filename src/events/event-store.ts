import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { isUuid } from '../lib/is-uuid.ts';
import { toPage, type Page, type PageRequest } from '../lib/page.ts';
import type { VmEvent, VmEventKind } from './vm-event.ts';

/** A page of what a reader gets before it is live. */
export interface Backlog {
  /** The events cover the account up to this number. */
  readonly seq: number;
  readonly events: readonly VmEvent[];
  /** Whether there was nothing after `seq`. Otherwise the reader reads on from there. */
  readonly complete: boolean;
  /** Whether these are snapshots: a VM that has none does not exist. */
  readonly isSnapshot: boolean;
}

/** What `toEvent` reads. */
const COLUMNS = ['seq', 'vm_id', 'kind', 'status', 'previous_status', 'reason', 'note', 'at'] as const;
const PAGE = 500;
/** For a client that missed more than this, snapshots are faster. */
const REPLAY_LIMIT = 10_000;
/** Of an account, each time. */
const MAX_PRUNED = 100_000;

async function readEventSeq(db: Db, userId: string): Promise<number> {
  const row = await db.selectFrom('account').select('event_seq').where('user_id', '=', userId).executeTakeFirst();
  return row?.event_seq ?? 0;
}

/** Reads a page of the account's events after the cursor, oldest first. */
export async function readEvents(
  db: Db,
  userId: string,
  after: number,
): Promise<{ events: VmEvent[]; complete: boolean }> {
  const rows = await db
    .selectFrom('vm_event')
    .select(COLUMNS)
    .where('user_id', '=', userId)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(PAGE)
    .execute();
  return { events: rows.map(toEvent), complete: rows.length < PAGE };
}

/**
 * Reads a page of the events after the cursor. Undefined when they were pruned or the cursor is of another database.
 */
export async function readReplay(db: Db, userId: string, after: number): Promise<Backlog | undefined> {
  let { events, complete } = await readEvents(db, userId, after);
  if (events.length === 0) {
    const seq = await readEventSeq(db, userId);
    if (seq === after) return { seq, events, complete, isSnapshot: false };
    // A cursor ahead of the account is of another database. Otherwise an event committed between the two statements.
    if (seq > after) ({ events, complete } = await readEvents(db, userId, after));
  }
  const [first] = events;
  const last = events.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (first.seq !== after + 1) return undefined;
  if (!complete && (await readEventSeq(db, userId)) - after > REPLAY_LIMIT) return undefined;
  return { seq: last.seq, events, complete, isSnapshot: false };
}

/** The same page of the stored events of each of these VMs, newest first. */
export async function listVmEvents(
  db: Db,
  vmIds: readonly string[],
  page: PageRequest,
): Promise<Map<string, Page<VmEvent>>> {
  const { after = null, before = null, fromEnd, size } = page;
  const { rows } = await sql<EventRow>`
    select event.* from unnest(${[...new Set(vmIds)]}::uuid[]) as wanted (vm_id)
    cross join lateral (
      select seq, kind, vm_id, status, previous_status, reason, note, at from vm_event
      where vm_event.vm_id = wanted.vm_id
        and (${after}::bigint is null or seq < ${after}) and (${before}::bigint is null or seq > ${before})
      order by seq ${sql.raw(fromEnd ? 'asc' : 'desc')} limit ${size + 1}
    ) as event
  `.execute(db);
  const byVm = Map.groupBy(rows, ({ vm_id }) => vm_id);
  return new Map([...byVm].map(([vmId, own]) => [vmId, toPage(own.map(toEvent), page)]));
}

/** Returns the accounts whose last event is not at the given cursor, in one statement. */
export async function findOutdatedCursors(
  db: Db,
  cursors: ReadonlyMap<string, number>,
): Promise<{ userId: string; seq: number }[]> {
  const { rows } = await sql<{ userId: string; seq: number }>`
    select account.user_id as "userId", account.event_seq as seq
    from unnest(${[...cursors.keys()]}::text[], ${[...cursors.values()]}::bigint[]) as known (user_id, seq)
    join account on account.user_id = known.user_id and account.event_seq <> known.seq
  `.execute(db);
  return rows;
}

/**
 * The state of each VM, read in one statement: all are of the same seq. Each snapshot is numbered with its VM's last
 * seq, and they are ordered by it: a client that is cut between two resumes from the smaller one and misses nothing.
 * The last carries the account's seq, which the next event follows.
 */
export async function readSnapshot(db: Db, userId: string, vmId: string | undefined): Promise<Backlog> {
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
    return [
      {
        seq: index === rows.length - 1 ? seq : last_event_seq,
        kind: 'SNAPSHOT',
        vmId: id,
        status,
        at: at.toISOString(),
      },
    ];
  });
  return { seq, events, complete: true, isSnapshot: true };
}

/** 'has': the account has the VM. An event: it had the VM, and this was its last event. Undefined: it never had it. */
export async function findOwnership(db: Db, userId: string, vmId: string): Promise<'has' | VmEvent | undefined> {
  if (!isUuid(vmId)) return undefined;
  const vm = await db
    .selectFrom('vm')
    .select('id')
    .where('id', '=', vmId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (vm !== undefined) return 'has';
  const last = await db
    .selectFrom('vm_event')
    .select(COLUMNS)
    .where('vm_id', '=', vmId)
    .where('user_id', '=', userId)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  return last === undefined ? undefined : toEvent(last);
}

/**
 * Deletes events older than `keepDays` or too many for a replay, and all events before them in their account: the rest
 * has no gap. A cursor from before then gets snapshots. `deleted_vm` keeps the ids of deleted VMs, see
 * `findDeletedVms`.
 */
export async function pruneEvents(db: Db, keepDays: number): Promise<void> {
  await sql`
    with ended as (
      select user_id, max(seq) as seq
      from (
        select user_id, seq from vm_event where at < now() - make_interval(days => ${keepDays})
        union all
        select user_id, event_seq - ${REPLAY_LIMIT} from account where event_seq > ${REPLAY_LIMIT}
      ) as old
      group by user_id
    ),
    pruned as (
      -- By their places: a join would read all events, of which these are few.
      delete from vm_event where ctid = any(array(
        select event.ctid from ended cross join lateral (
          select ctid from vm_event where vm_event.user_id = ended.user_id and vm_event.seq <= ended.seq
          order by vm_event.seq limit ${MAX_PRUNED}
        ) as event
      ))
      returning vm_id, kind, at
    )
    insert into deleted_vm (vm_id, deleted_at) select vm_id, at from pruned where kind = 'DELETED'
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
  note: string | null;
  at: Date;
}

function toEvent({ seq, kind, vm_id, status, previous_status, reason, note, at }: EventRow): VmEvent {
  return {
    seq,
    kind: kind as VmEventKind,
    vmId: vm_id,
    status,
    previousStatus: previous_status ?? undefined,
    reason: reason ?? undefined,
    note: note ?? undefined,
    at: at.toISOString(),
  };
}
