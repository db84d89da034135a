import { sql } from 'kysely';
import type { Trx } from '../db/database.ts';
import type { EventReason, StoredEventKind, VmEvent, VmProgress } from './vm-event.ts';

/**
 * Takes the account's next sequence number. The row lock that it holds until the commit is what makes numbers gapless
 * and equal to the order of commits: whoever comes next waits for this transaction. Call it before touching VM rows.
 * `at` is the database's `now()`, which is one moment for the whole transaction.
 */
export async function nextEventSeq(trx: Trx, userId: string): Promise<{ seq: number; at: Date }> {
  return trx
    .updateTable('account')
    .set((eb) => ({ event_seq: eb('event_seq', '+', 1) }))
    .where('user_id', '=', userId)
    .returning(['event_seq as seq', sql<Date>`now()`.as('at')])
    .executeTakeFirstOrThrow();
}

export interface NewEvent {
  readonly userId: string;
  readonly seq: number;
  readonly vmId: string;
  readonly kind: StoredEventKind;
  readonly status: string;
  readonly previousStatus: string | undefined;
  readonly reason: EventReason;
}

/** Stores the event and hints at it, both with the transaction's commit. `wakeReconciler`: the VM became due. */
export async function insertEvent(trx: Trx, event: NewEvent, { wakeReconciler }: { wakeReconciler: boolean }): Promise<void> {
  const { userId, seq, vmId, kind, status, previousStatus = null, reason } = event;
  await sql`
    with event as (
      insert into vm_event (user_id, seq, vm_id, kind, status, previous_status, reason)
      values (${userId}, ${seq}, ${vmId}, ${kind}, ${status}, ${previousStatus}, ${reason})
      returning at
    )
    select pg_notify('vm_event', json_build_array(${userId}::text, ${vmId}::text, json_build_object(
             'seq', ${seq}::bigint, 'kind', ${kind}::text, 'status', ${status}::text, 'previousStatus', ${previousStatus}::text,
             'reason', ${reason}::text, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text),
           case when ${wakeReconciler} then pg_notify('vm_due', ${vmId}) end
    from event
  `.execute(trx);
}

/** What a notification of an event says: whose it is, of which VM, and the event itself where its writer put it in. */
export function decodeEventNote(payload: string): { userId: string; event: VmEvent | undefined } {
  const [userId, vmId, body] = JSON.parse(payload) as [string, string, EventNoteBody?];
  if (body === undefined) return { userId, event: undefined };
  const { seq, kind, status, previousStatus, reason } = body;
  // A gateway of before writes it with microseconds and an offset.
  const at = body.at.endsWith('Z') ? body.at : new Date(body.at).toISOString();
  return { userId, event: { seq, kind, vmId, status, previousStatus: previousStatus ?? undefined, reason: reason ?? undefined, at } };
}

interface EventNoteBody {
  readonly seq: number;
  readonly kind: StoredEventKind;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly reason: string | null;
  readonly at: string;
}

/** A notification's body for progress: short keys keep it far below PostgreSQL's 8000 bytes. */
export interface ProgressNote {
  readonly u: string;
  readonly v: string;
  readonly s: string;
  readonly p: VmProgress;
}

export function encodeProgress(note: ProgressNote): string {
  return JSON.stringify(note);
}
