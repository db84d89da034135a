import { sql } from 'kysely';
import type { Trx } from '../db/database.ts';
import { defineStatement, type Parameter } from '../db/statement-template.ts';
import { notifyAfterCommit } from '../db/transaction.ts';
import type { EventReason, StoredEventKind, VmEvent, VmProgress } from './vm-event.ts';

/**
 * Takes the account's next sequence number. Its row lock is held until the commit, so the next caller waits for this
 * transaction: numbers are gapless and in commit order. Call it before touching VM rows. `at` is the database's
 * `now()`, which is the same for the whole transaction.
 */
export async function nextEventSeq(trx: Trx, userId: string): Promise<{ seq: number; at: Date }> {
  const [next] = (await takeEventSeq(trx, { userId })).rows;
  if (next === undefined) throw new Error('An event needs an account.');
  return next;
}

const takeEventSeq = defineStatement((db, parameter: Parameter<{ userId: string }>) =>
  db
    .updateTable('account')
    .set((eb) => ({ event_seq: eb('event_seq', '+', 1) }))
    .where('user_id', '=', parameter('userId'))
    .returning(['event_seq as seq', sql<Date>`now()`.as('at')]),
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

/** Stores the event, and notifies of it after the commit. `wakeReconciler`: the VM became due. */
export async function insertEvent(
  trx: Trx,
  event: NewEvent,
  { wakeReconciler }: { wakeReconciler: boolean },
): Promise<void> {
  const { userId, seq, vmId, kind, status, previousStatus = null, reason, note } = event;
  await storeEvent(trx, { userId, seq, vmId, kind, status, previousStatus, reason, note: note ?? null });
  notifyOfEvent(trx, event);
  if (wakeReconciler) notifyAfterCommit(trx, 'vm_due', vmId);
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

type StoredEvent = Pick<NewEvent, 'userId' | 'seq' | 'vmId' | 'kind' | 'status' | 'reason'> & {
  readonly previousStatus: string | null;
  readonly note: string | null;
};

const storeEvent = defineStatement((db, parameter: Parameter<StoredEvent>) =>
  db.insertInto('vm_event').values({
    user_id: parameter('userId'),
    seq: parameter('seq'),
    vm_id: parameter('vmId'),
    kind: parameter('kind'),
    status: parameter('status'),
    previous_status: parameter('previousStatus'),
    reason: parameter('reason'),
    note: parameter('note'),
  }),
);

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
