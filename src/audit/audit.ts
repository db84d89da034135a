type NoDetails = Readonly<Record<string, never>>;

/**
 * The details of each action, besides actor, time, address and VM. They name secrets and never contain their values.
 */
export interface AuditDetails {
  VM_CREATED: {
    readonly region: string;
    readonly distribution: string;
    readonly desktop: string | null;
    readonly cpu: number;
    readonly ram: number;
    readonly storageType: string;
  };
  /** The new values. */
  VM_UPDATED: { readonly vmlabel?: string; readonly cpu?: number; readonly ram?: number };
  VM_STARTED: NoDetails;
  VM_STOPPED: NoDetails;
  VM_RESTARTED: NoDetails;
  VM_DELETED: NoDetails;
  START_REFUSED: { readonly dimensions: string };
  SECRET_SET: { readonly key: string };
  SECRET_DELETED: { readonly key: string };
  SECRETS_READ: NoDetails;
  SUBDOMAIN_ADDED: { readonly name: string; readonly internalPort: number; readonly visibility: string };
  SUBDOMAIN_REMOVED: { readonly name: string };
  PORT_ADDED: { readonly protocol: string; readonly internalPort: number; readonly publicPort: number };
  PORT_REMOVED: { readonly protocol: string; readonly internalPort: number };
  OPEN_LINK_CREATED: { readonly name: string | null };
  OPEN_LINK_REDEEMED: { readonly name: string | null };
  APP_SIGNED_IN: { readonly name: string | null; readonly role: string };
  /** The program without its arguments, which may be secret; empty if its name is no usual one. */
  COMMAND_RUN: { readonly program: string; readonly arguments: number };
  TERMINAL_OPENED: NoDetails;
  FILE_READ: { readonly path: string };
  FILE_WRITTEN: { readonly path: string; readonly bytes: number };
  VM_SHARED: { readonly name: string | null; readonly role: string; readonly minutes: number };
  /** How many accesses and unused links of guests there were. */
  ACCESS_ENDED: { readonly accesses: number };
  VM_STOPPED_BY_OPERATOR: { readonly reason: string };
  VM_DELETED_BY_OPERATOR: { readonly reason: string };
  ORPHAN_ADOPTED: NoDetails;
  ORPHAN_REMOVED: { readonly id: string };
  /** Null: the operator's choice of plan is taken back. */
  PLAN_SET: { readonly plan: string | null };
  /** How many VMs were stopped. */
  ACCOUNT_SUSPENDED: { readonly reason: string; readonly stopped: number };
  ACCOUNT_RESUMED: NoDetails;
  API_TOKEN_CREATED: { readonly name: string; readonly scope: string; readonly serviceAccount: string | null };
  API_TOKEN_REVOKED: { readonly name: string; readonly serviceAccount: string | null };
  REGION_DRAINED: { readonly region: string; readonly reason: string };
  REGION_RESUMED: { readonly region: string };
}

export type AuditAction = keyof AuditDetails;

/** All actions with their descriptions for the schema. */
export const AUDIT_ACTIONS = {
  VM_CREATED: 'The VM was created.',
  VM_UPDATED: 'The VM was renamed or got other specs; the details say which.',
  VM_STARTED: 'The VM was turned on, or tried again after it had failed.',
  VM_STOPPED: 'The VM was turned off.',
  VM_RESTARTED: 'The VM was given a new container.',
  VM_DELETED: 'The VM was deleted.',
  START_REFUSED: "A start was refused, because it would have exceeded the plan's limits.",
  SECRET_SET: 'A secret was added or replaced.',
  SECRET_DELETED: 'A secret was removed.',
  SECRETS_READ: 'Values of its secrets were read.',
  SUBDOMAIN_ADDED: 'A mapping was added, or got another visibility.',
  SUBDOMAIN_REMOVED: 'A mapping was removed.',
  PORT_ADDED: 'A port was forwarded.',
  PORT_REMOVED: 'A forwarded port was removed.',
  OPEN_LINK_CREATED: 'A one-time link to the VM, or to one of its mappings, was made.',
  OPEN_LINK_REDEEMED: 'A browser came with such a link, or with one for somebody else.',
  APP_SIGNED_IN: 'A browser with access was signed in to the app, for which its password was read; once an access.',
  COMMAND_RUN: 'A program was run in the container; the details have its name, and how many arguments it had.',
  FILE_READ: 'A browser with access downloaded a file, or a directory.',
  FILE_WRITTEN: 'A browser with access uploaded a file.',
  TERMINAL_OPENED: 'A browser with access opened a terminal in the container.',
  VM_SHARED: 'A link for somebody else was made; the details have the role and how long the access lasts.',
  ACCESS_ENDED: 'Accesses to the VM were ended, or links withdrawn, before their time.',
  VM_STOPPED_BY_OPERATOR: 'An operator turned the VM off; the details have the reason.',
  VM_DELETED_BY_OPERATOR: 'An operator deleted the VM; the details have the reason.',
  ORPHAN_ADOPTED: 'An operator restored a VM that was missing in the database.',
  ORPHAN_REMOVED: 'An operator removed what was left of a VM that is not in the database.',
  PLAN_SET: "An operator set the account's plan, or left it to the tokens again.",
  ACCOUNT_SUSPENDED: 'An operator suspended the account and turned its VMs off; the details have the reason.',
  ACCOUNT_RESUMED: 'An operator lifted the suspension of the account.',
  API_TOKEN_CREATED: 'An API token was created.',
  API_TOKEN_REVOKED: 'An API token was revoked.',
  REGION_DRAINED: 'As an operator, the account let nothing new start in a region.',
  REGION_RESUMED: 'As an operator, the account let VMs start in a region again.',
} as const satisfies Record<AuditAction, string>;

/** False for an action that a newer version has recorded in the same database. */
export function isAuditAction(text: string): text is AuditAction {
  return Object.hasOwn(AUDIT_ACTIONS, text);
}

/** An entry of an account's audit. */
export interface AuditEntry {
  readonly number: number;
  /** Null for the anonymous holder of a link. */
  readonly actor: string | null;
  readonly address: string;
  readonly action: AuditAction | 'OTHER';
  /** The nil UUID for an action on no VM. */
  readonly vmId: string;
  /** The VM's label at that time; empty for an action on no VM. */
  readonly vmlabel: string;
  readonly details: Readonly<Record<string, string | number | null>>;
  readonly count: number;
  readonly at: Date;
}
