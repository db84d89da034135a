/** The authenticated user of a request. All reads and writes are restricted to its `userId`. */
export interface Viewer {
  readonly userId: string;
  /** The plan of the token. The account's own plan applies without it. */
  readonly plan?: string;
  /** What the token allows besides its own account. */
  readonly role?: 'operator';
  /** The token's expiry, in ms since 1970. Live connections end with it. */
  readonly expiresAt: number;
}

/** A viewer with its client address, as the audit records it. */
export interface Actor extends Viewer {
  readonly from: string;
}
