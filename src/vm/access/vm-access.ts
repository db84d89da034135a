export const ACCESS_ROLES = ['CONTROL', 'VIEW'] as const;
/** CONTROL: everything that the app offers. VIEW: to look on; keys, pointer and clipboard reach nothing. */
export type AccessRole = (typeof ACCESS_ROLES)[number];

/** The address that an access is for: a VM's own (`name` undefined) or that of one of its mappings. */
export interface AccessScope {
  readonly vmId: string;
  readonly name: string | undefined;
}

/** What a browser got that came with a link. */
export interface VmAccess {
  readonly id: string;
  /** The hash of its cookie's secret, in base64url. */
  readonly hash: string;
  readonly role: AccessRole;
  /** Whether the link was for someone other than the owner. */
  readonly isGuest: boolean;
  /** Whether it is signed in to the app. */
  readonly signsIn: boolean;
  /** The hashes of the accesses of the same browser that it has replaced. */
  readonly replaces: readonly string[];
  /** When it ends, in ms since 1970. */
  readonly until: number;
}

/** An access, or a link for a guest that was not used yet, as its owner sees it. */
export interface ListedAccess {
  readonly id: string;
  readonly vmId: string;
  readonly name: string | null;
  readonly role: AccessRole;
  readonly isGuest: boolean;
  readonly createdAt: Date;
  readonly openedAt: Date | null;
  /** The client that used the link. */
  readonly address: string | null;
  readonly until: Date;
}
