/** Who is asking. Everything that is read or written is looked up with its `userId`; there is no other way in. */
export interface Viewer {
  readonly userId: string;
  /** The plan that the token names; the account's own stands when it names none. */
  readonly plan?: string;
  /** When the token ends, in ms since 1970: live connections end with it. */
  readonly expiresAt: number;
}

/** A viewer that does something, which the audit tells of: who, and from which address. */
export interface Actor extends Viewer {
  readonly from: string;
}
