/** What must never be found, in the order of the report's columns. */
export const VIOLATION_KINDS = [
  /** An acknowledged change is not there. */
  'lost',
  /** A lasting volume, or what it held, is gone. */
  'destroyed',
  /** Something runs, or is kept, that no row asks for. */
  'zombie',
  /** Two live containers of one VM. */
  'double',
  /** A status that is not true, or that did not come in time. */
  'status',
  /** A healthy app's container was ended. */
  'restarted',
  /** An event was skipped, repeated or not delivered. */
  'gap',
  /** More than a plan allows. */
  'limit',
  /** An answer that is not 2xx, 4xx or UNAVAILABLE, or none at all. */
  'answer',
  /** A gateway ended that nobody ended. */
  'exit',
  /** A helper's container, trial volume, file or loop device is left. */
  'helper',
  /** Memory, handles or listeners that grow. */
  'leak',
] as const;

export type ViolationKind = (typeof VIOLATION_KINDS)[number];

export interface Violation {
  readonly kind: ViolationKind;
  readonly what: string;
  /** Whether the gateways find and remove it in their own time, when nobody can need it any more. */
  readonly isSwept?: boolean;
}
