import { NIL_UUID } from '../lib/is-uuid.ts';

const STORED_KINDS = ['CREATED', 'CHANGED', 'DELETED'] as const;
/** Say where a stream is, and so are of no VM. Sent only to subscribers who ask for them. */
const MARKER_KINDS = ['SNAPSHOT_END', 'REPLAY_END'] as const;

/** The kinds of events. */
export const VM_EVENT_KINDS = [...STORED_KINDS, 'SNAPSHOT', 'PROGRESS', ...MARKER_KINDS] as const;
export type VmEventKind = (typeof VM_EVENT_KINDS)[number];
export type StoredEventKind = (typeof STORED_KINDS)[number];
export type MarkerKind = (typeof MARKER_KINDS)[number];

/** The event that ends a backlog: everything up to `seq` has been sent. */
export function toMarker(kind: MarkerKind, seq: number): VmEvent {
  return { seq, kind, vmId: NIL_UUID, status: 'UNKNOWN', at: new Date().toISOString() };
}

/** Whether there is a VM to read for an event of this kind: not after a deletion, and not for a marker. */
export function hasVm(kind: VmEventKind): boolean {
  return kind !== 'DELETED' && kind !== 'SNAPSHOT_END' && kind !== 'REPLAY_END';
}

/** Why a VM changed. */
export const EVENT_REASONS = [
  'USER',
  'BOOT',
  'CRASH',
  'OOM',
  'DEADLINE',
  'ENGINE',
  'UPDATE',
  'UNDO',
  'DISK',
  'ADOPT',
  'OPERATOR',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

/** How far a boot is. Sent by notification only: nothing but the latest matters. */
export interface VmProgress {
  /** Of the image's download over all layers, 0 to 100; 100 from STARTING on. */
  readonly percent: number;
  readonly message: string;
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
}

/** One element of a subscriber's stream. */
export interface VmEvent {
  readonly seq: number;
  readonly kind: VmEventKind;
  readonly vmId: string;
  readonly status: string;
  readonly previousStatus?: string | undefined;
  readonly reason?: string | undefined;
  /** What an operator said of the change. */
  readonly note?: string | undefined;
  /** Commit time, ISO 8601 in UTC with milliseconds. A string because nothing computes with it. */
  readonly at: string;
  readonly progress?: VmProgress;
}

/**
 * The `after` that resumes a stream behind this element: the cursor of a line, or the number of an event. Undefined for
 * what has none, and for a SNAPSHOT: others may follow, which its number would skip.
 */
export function cursorOf(element: unknown): string | undefined {
  if (typeof element !== 'object' || element === null) return undefined;
  if ('cursor' in element && typeof element.cursor === 'string') return element.cursor;
  if (!('seq' in element)) return undefined;
  return 'kind' in element && element.kind === 'SNAPSHOT' ? undefined : String(element.seq);
}
