import { sql } from 'kysely';
import type { Trx } from '../db/database.ts';
import { defineStatement, type Parameter } from '../db/statement-template.ts';
import { notifyOfEvent, type NewEvent } from './append-event.ts';

/**
 * Locks the accounts' counters in the one order of all who lock several, until the commit. Call it before touching VM
 * rows. Resolves to the last number of each. `at` is the transaction's time.
 */
export async function lockEventSeqs(
  trx: Trx,
  userIds: readonly string[],
): Promise<{ readonly seqs: Map<string, number>; readonly at: Date }> {
  const { rows } = await lockCounters(trx, { userIds: [...new Set(userIds)] });
  return { seqs: new Map(rows.map(({ userId, seq }) => [userId, seq])), at: rows[0]?.at ?? new Date() };
}

const lockCounters = defineStatement(
  (_db, parameter: Parameter<{ userIds: readonly string[] }>) => sql<{ userId: string; seq: number; at: Date }>`
    select user_id as "userId", event_seq as seq, now() as at from account
    where user_id = any(${parameter('userIds')}::text[]) order by user_id for no key update
  `,
);

/**
 * Stores events of accounts that `lockEventSeqs` has locked, whose numbers follow on the last ones without a gap, and
 * notifies of them after the commit.
 */
export async function appendEvents(trx: Trx, events: readonly NewEvent[]): Promise<void> {
  await storeEvents(trx, {
    userIds: events.map(({ userId }) => userId),
    seqs: events.map(({ seq }) => seq),
    vmIds: events.map(({ vmId }) => vmId),
    kinds: events.map(({ kind }) => kind),
    statuses: events.map(({ status }) => status),
    previousStatuses: events.map(({ previousStatus }) => previousStatus ?? null),
    reasons: events.map(({ reason }) => reason),
    notes: events.map(({ note }) => note ?? null),
  });
  for (const event of events) notifyOfEvent(trx, event);
}

interface EventColumns {
  readonly userIds: readonly string[];
  readonly seqs: readonly number[];
  readonly vmIds: readonly string[];
  readonly kinds: readonly string[];
  readonly statuses: readonly string[];
  readonly previousStatuses: readonly (string | null)[];
  readonly reasons: readonly string[];
  readonly notes: readonly (string | null)[];
}

const storeEvents = defineStatement(
  (_db, parameter: Parameter<EventColumns>) => sql`
    with stored as (
      insert into vm_event (user_id, seq, vm_id, kind, status, previous_status, reason, note)
      select * from unnest(
        ${parameter('userIds')}::text[], ${parameter('seqs')}::bigint[], ${parameter('vmIds')}::uuid[],
        ${parameter('kinds')}::text[], ${parameter('statuses')}::text[], ${parameter('previousStatuses')}::text[],
        ${parameter('reasons')}::text[], ${parameter('notes')}::text[]
      )
      returning user_id, seq
    )
    update account set event_seq = last.seq
    from (select user_id, max(seq) as seq from stored group by user_id) last where account.user_id = last.user_id
  `,
);
