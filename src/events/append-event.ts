import { sql, type RawBuilder } from 'kysely';
import type { Trx } from '../db/database.ts';
import { defineStatement, type Parameter } from '../db/statement-template.ts';
import { notifyAfterCommit } from '../db/transaction.ts';
import type { EventReason, StoredEventKind, VmEvent, VmProgress } from './vm-event.ts';

/** The number of an account's event. `at` is the database's `now()`, which is the same for the whole transaction. */
export interface EventNumber {
  readonly seq: number;
  readonly at: Date;
}

const reserved = new WeakMap<Trx, EventNumber>();

/**
 * Takes the account's next sequence number. Its row lock is held until the commit, so the next caller waits for this
 * transaction: numbers are gapless and in commit order. Call it before touching VM rows.
 */
export async function nextEventSeq(trx: Trx, userId: string): Promise<EventNumber> {
  const known = reserved.get(trx);
  reserved.delete(trx);
  if (known !== undefined) return known;
  const [next] = (await takeEventSeq(trx, { userId })).rows;
  if (next === undefined) throw new Error('An event needs an account.');
  return next;
}

/**
 * Keeps the number that the statement that locked the account has taken for `nextEventSeq`, which saves a statement.
 * End such a transaction with `returnEventSeq`.
 */
export function reserveEventSeq(trx: Trx, number: EventNumber): void {
  reserved.set(trx, number);
}

/** Gives the reserved number back if no event has it, because numbers are gapless. */
export async function returnEventSeq(trx: Trx, userId: string): Promise<void> {
  if (!reserved.delete(trx)) return;
  await trx
    .updateTable('account')
    .set((eb) => ({ event_seq: eb('event_seq', '-', 1) }))
    .where('user_id', '=', userId)
    .execute();
}

/** In a statement that changes the account: takes its next sequence number. */
export const takenSeq = {
  set: { event_seq: sql<number>`account.event_seq + 1` },
  returning: ['account.event_seq as seq', sql<Date>`now()`.as('at')],
} as const;

const takeEventSeq = defineStatement((db, parameter: Parameter<{ userId: string }>) =>
  db.updateTable('account').set(takenSeq.set).where('user_id', '=', parameter('userId')).returning(takenSeq.returning),
);

export interface NewEvent {
  readonly userId: string;
  readonly seq: number;
  readonly vmId: string;
  readonly kind: StoredEventKind;
  readonly status: string;
  readonly previousStatus: string | undefined;
  readonly reason: EventReason;
  /** What an operator says of it, at most 500 characters. */
  readonly note?: string | undefined;
  /** When it happened, as `nextEventSeq` tells. */
  readonly at: Date;
}

interface EventOptions {
  /** Whether the VM became due. */
  readonly wakeReconciler: boolean;
}

/** Stores the event, and announces it. */
export async function insertEvent(trx: Trx, event: NewEvent, options: EventOptions): Promise<void> {
  await insertEventRow(event).execute(trx);
  announceEvent(trx, event, options);
}

/** The insert of an event, for use in the statement that changes the VM. */
export function insertEventRow(event: NewEvent): RawBuilder<object> {
  const { userId, seq, vmId, kind, status, previousStatus = null, reason, note = null } = event;
  return sql`
    insert into vm_event (user_id, seq, vm_id, kind, status, previous_status, reason, note)
    values (${userId}, ${seq}, ${vmId}, ${kind}, ${status}, ${previousStatus}, ${reason}, ${note})
  `;
}

/** Notifies after the commit of an event that this transaction stores, and of the VM that became due. */
export function announceEvent(trx: Trx, event: NewEvent, { wakeReconciler }: EventOptions): void {
  notifyOfEvent(trx, event);
  if (wakeReconciler) notifyAfterCommit(trx, 'vm_due', event.vmId);
}

/** Queues the notification of a stored event. */
export function notifyOfEvent(trx: Trx, event: NewEvent): void {
  const { userId, seq, vmId, kind, status, previousStatus = null, reason, note, at } = event;
  const body: EventNoteBody = {
    seq,
    kind,
    status,
    previousStatus,
    reason,
    at: at.toISOString(),
    ...(note !== undefined && { note }),
  };
  notifyAfterCommit(trx, 'vm_event', JSON.stringify([userId, vmId, body]));
}

/** Decodes a notification. `event` is undefined when the notification carries only the ids. */
export function decodeEventNote(payload: string): { userId: string; event: VmEvent | undefined } {
  const [userId, vmId, body] = JSON.parse(payload) as [string, string, EventNoteBody?];
  if (body === undefined) return { userId, event: undefined };
  const { seq, kind, status, previousStatus, reason, note } = body;
  // Older gateways write microseconds and an offset.
  const at = body.at.endsWith('Z') ? body.at : new Date(body.at).toISOString();
  return {
    userId,
    event: {
      seq,
      kind,
      vmId,
      status,
      at,
      previousStatus: previousStatus ?? undefined,
      reason: reason ?? undefined,
      note,
    },
  };
}

interface EventNoteBody {
  readonly seq: number;
  readonly kind: StoredEventKind;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly reason: string | null;
  readonly note?: string;
  readonly at: string;
}

/** The payload of a progress notification. Short keys keep it far below PostgreSQL's limit of 8000 bytes. */
export interface ProgressNote {
  readonly u: string;
  readonly v: string;
  readonly s: string;
  readonly p: VmProgress;
}

export function encodeProgress(note: ProgressNote): string {
  return JSON.stringify(note);
}
