/** What an API token allows, each with those before it. */
export const TOKEN_SCOPES = ['READ', 'OPERATE', 'ADMIN'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

export function isTokenScope(text: string): text is TokenScope {
  return (TOKEN_SCOPES as readonly string[]).includes(text);
}

/** Of an API token: what its live connections listen to. */
export interface TokenState {
  readonly id: string;
  /** Aborts when the token is revoked. */
  readonly revoked: AbortSignal;
}

/** The authenticated user of a request. All reads and writes are restricted to its `userId`. */
export interface Viewer {
  readonly userId: string;
  /** The plan of the token. The account's own plan applies without it. */
  readonly plan?: string;
  /** What the token allows besides its own account. */
  readonly role?: 'operator';
  /** What the API token allows. Undefined for a token of a sign-in, which allows everything on its account. */
  readonly scope?: TokenScope;
  /** The name of the service account whose API token it is. */
  readonly serviceAccount?: string;
  readonly token?: TokenState;
  /** The token's expiry, in ms since 1970. Live connections end with it. */
  readonly expiresAt: number;
}

/** A viewer with its client address, as the audit records it. */
export interface Actor extends Viewer {
  readonly from: string;
}

/** What the audit calls an actor. */
export function nameOf({ userId, serviceAccount }: Viewer): string {
  return serviceAccount === undefined ? userId : `service:${serviceAccount}`;
}
