/** The kinds of events. SNAPSHOT and PROGRESS are never stored. */
export const VM_EVENT_KINDS = ['SNAPSHOT', 'CREATED', 'CHANGED', 'PROGRESS', 'DELETED'] as const;
export type VmEventKind = (typeof VM_EVENT_KINDS)[number];
export type StoredEventKind = Exclude<VmEventKind, 'SNAPSHOT' | 'PROGRESS'>;

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
  /** Commit time, ISO 8601 in UTC with milliseconds. A string because nothing computes with it. */
  readonly at: string;
  readonly progress?: VmProgress;
}

/** The `after` that resumes a stream behind this element; undefined when the element is not an event. */
export function cursorOf(element: unknown): string | undefined {
  return typeof element === 'object' && element !== null && 'seq' in element ? String(element.seq) : undefined;
}
