/** The kinds that a subscriber can see; SNAPSHOT and PROGRESS are never stored. */
export const VM_EVENT_KINDS = ['SNAPSHOT', 'CREATED', 'CHANGED', 'PROGRESS', 'DELETED'] as const;
export type VmEventKind = (typeof VM_EVENT_KINDS)[number];
export type StoredEventKind = Exclude<VmEventKind, 'SNAPSHOT' | 'PROGRESS'>;

/** Why a VM changed. */
export const EVENT_REASONS = ['USER', 'BOOT', 'CRASH', 'OOM', 'DEADLINE', 'ENGINE', 'UPDATE', 'UNDO', 'DISK', 'ADOPT'] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

/** How far a boot is. Never stored: it travels by notification only, and the latest is all that matters. */
export interface VmProgress {
  /** Of the image's download, over all its layers, 0 to 100; 100 from STARTING on. */
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
  /** When it was committed: ISO 8601 in UTC with milliseconds. A text, which is told as it is and never reckoned with. */
  readonly at: string;
  readonly progress?: VmProgress;
}

/** What a client resumes after, having seen this element of a stream; undefined for one that is no event. */
export function cursorOf(element: unknown): string | undefined {
  return typeof element === 'object' && element !== null && 'seq' in element ? String(element.seq) : undefined;
}
