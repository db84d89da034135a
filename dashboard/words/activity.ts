import type { AuditEntry } from '../api/queries.ts';

type Action = AuditEntry['action'];

/** Each action of the audit, in the order of its filter. */
const ACTIONS: Readonly<Record<Action, (name: string) => string>> = {
  ACCESS_ENDED: (name) => `ended access to ${name}`,
  ACCOUNT_RESUMED: () => 'lifted the suspension of the account',
  ACCOUNT_SUSPENDED: () => 'suspended the account',
  API_TOKEN_CREATED: () => 'created an API token',
  API_TOKEN_REVOKED: () => 'revoked an API token',
  APP_SIGNED_IN: (name) => `was signed in to ${name}`,
  COMMAND_RUN: (name) => `ran a program in ${name}`,
  FILE_READ: (name) => `downloaded a file of ${name}`,
  FILE_WRITTEN: (name) => `uploaded a file to ${name}`,
  OPEN_LINK_CREATED: (name) => `made a link to ${name}`,
  OPEN_LINK_REDEEMED: (name) => `opened ${name} with a link`,
  ORPHAN_ADOPTED: (name) => `restored ${name}`,
  ORPHAN_REMOVED: () => 'removed what was left of a VM',
  OTHER: (name) => `did what this version does not know, with ${name}`,
  PLAN_SET: () => 'set the plan of the account',
  PORT_ADDED: (name) => `opened a port of ${name}`,
  PORT_REMOVED: (name) => `closed a port of ${name}`,
  REGION_DRAINED: () => 'let nothing new start in a region',
  REGION_RESUMED: () => 'let VMs start in a region again',
  SECRETS_READ: (name) => `read secrets of ${name}`,
  SECRET_DELETED: (name) => `removed a secret of ${name}`,
  SECRET_SET: (name) => `set a secret of ${name}`,
  START_REFUSED: (name) => `could not start ${name}: the plan has no room`,
  SUBDOMAIN_ADDED: (name) => `added a name to ${name}`,
  SUBDOMAIN_REMOVED: (name) => `removed a name of ${name}`,
  TERMINAL_OPENED: (name) => `opened a terminal in ${name}`,
  VM_CREATED: (name) => `created ${name}`,
  VM_DELETED: (name) => `deleted ${name}`,
  VM_DELETED_BY_OPERATOR: (name) => `deleted ${name} as an operator`,
  VM_RESTARTED: (name) => `restarted ${name}`,
  VM_SHARED: (name) => `shared ${name}`,
  VM_STARTED: (name) => `started ${name}`,
  VM_STOPPED: (name) => `stopped ${name}`,
  VM_STOPPED_BY_OPERATOR: (name) => `turned ${name} off as an operator`,
  VM_UPDATED: (name) => `changed ${name}`,
};

/** The names of details that are not plain English, and values that are not. */
const DETAIL_NAMES: Readonly<Record<string, string>> = {
  cpu: 'vCPU',
  ram: 'GB of RAM',
  storageType: 'files',
  internalPort: 'port inside',
  publicPort: 'port outside',
  vmlabel: 'name',
  visibility: 'open to',
  role: 'to',
};
const DETAIL_VALUES: Readonly<Record<string, string>> = {
  'storageType PERSISTENT': 'kept',
  'storageType EPHEMERAL': 'thrown away at each stop',
  'visibility PUBLIC': 'anyone',
  'visibility PRIVATE': 'who has a link',
  'role VIEW': 'look on',
  'role CONTROL': 'take part',
};

/** What the audit says. */
export const activityWords = {
  title: 'Activity',
  hint: 'Who did what with your VMs, and from where.',
  visitor: 'Someone with a link',
  action: (action: Action, name: string) => ACTIONS[action](name),
  detail: ({ name, value }: { readonly name: string; readonly value: string }) =>
    `${DETAIL_NAMES[name] ?? name}: ${DETAIL_VALUES[`${name} ${value}`] ?? value}`,
  actions: Object.keys(ACTIONS) as readonly Action[],
  older: 'Show older',
  empty: 'Nothing has happened yet.',
  noMatch: 'No entry matches.',
  vm: 'VM',
  allVms: 'All VMs',
  what: 'Action',
  allActions: 'All actions',
  times: (count: number) => `×${count}`,
};
