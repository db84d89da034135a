import { AUDIT_ACTIONS, type AuditAction as Action, type AuditEntry as Entry } from '../../../audit/audit.ts';
import { listAudit } from '../../../audit/audit-store.ts';
import { isUuid } from '../../../lib/is-uuid.ts';
import { Account } from './account.ts';
import { builder } from '../builder.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';
import { pageArgs, PageInfo, pageSize, parsePage, toCursor, toPageInfo, type RequestedPage } from '../page.ts';

const cursorOf = (entry: Entry): string => toCursor('audit', entry);

const OTHER_ACTION = 'An action that only a newer version of the gateway knows, and has recorded in the same database.';

const AuditAction = builder.enumType('AuditAction', {
  description: 'What was done.',
  values: Object.fromEntries(
    Object.entries({ ...AUDIT_ACTIONS, OTHER: OTHER_ACTION }).map(([action, description]) => [action, { description }]),
  ) as {
    [A in Action | 'OTHER']: { description: string };
  },
});

const AuditDetail = builder.objectRef<{ readonly name: string; readonly value: string }>('AuditDetail').implement({
  description: 'A detail of an action.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the input: "key", "vmlabel", "internalPort".' }),
    value: t.exposeString('value', { description: 'The value of the input; never the value of a secret.' }),
  }),
});

const AuditEntry = builder.objectRef<Entry>('AuditEntry').implement({
  description: 'An action on a VM or on the account: who, what, from where and when. Kept after a VM is deleted.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ number }) => toGlobalId('AuditEntry', String(number)) }),
    action: t.field({ type: AuditAction, description: 'What was done.', resolve: ({ action }) => action }),
    actor: t.exposeID('actor', {
      nullable: true,
      description: "The user's id, or that of an operator; null for a visitor with a one-time link.",
    }),
    address: t.exposeString('address', {
      description: 'The IP address of the client; "unknown" if the connection had already closed.',
    }),
    vmId: t.exposeID('vmId', {
      description: 'The VM, which may have been deleted; the nil UUID if the action is on no VM.',
    }),
    vmlabel: t.exposeString('vmlabel', { description: 'The label of the VM before the action; empty without one.' }),
    details: t.field({
      type: [AuditDetail],
      // A few values from the same row.
      complexity: { field: 1, multiplier: 1 },
      description: 'Its details; empty for most actions.',
      resolve: ({ details }) =>
        Object.entries(details).flatMap(([name, value]) => (value === null ? [] : [{ name, value: String(value) }])),
    }),
    count: t.exposeInt('count', {
      description:
        'How often it was done within the minute: equal actions (VM, actor, address, details) are one entry.',
    }),
    at: t.field({
      type: 'DateTime',
      description: 'When it was done; the last time, if the count is above 1.',
      resolve: ({ at }) => at,
    }),
  }),
});

const AuditEdge = builder.objectRef<Entry>('AuditEdge').implement({
  description: 'An entry and its cursor.',
  fields: (t) => ({
    cursor: t.string({ description: 'The cursor, for `after`.', resolve: cursorOf }),
    node: t.field({ type: AuditEntry, description: 'The entry.', resolve: (entry) => entry }),
  }),
});

const AuditConnection = builder.objectRef<RequestedPage<Entry>>('AuditConnection').implement({
  description: 'A page of the audit, newest first.',
  fields: (t) => ({
    // Already counted by the page size.
    nodes: t.field({
      type: [AuditEntry],
      complexity: { field: 1, multiplier: 1 },
      description: 'The entries.',
      resolve: ({ items }) => [...items],
    }),
    edges: t.field({
      type: [AuditEdge],
      complexity: { field: 1, multiplier: 1 },
      description: 'The entries with their cursors.',
      resolve: ({ items }) => [...items],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page; the next one is older.',
      resolve: (page) => toPageInfo(page.items.map(cursorOf), page),
    }),
  }),
});

builder.objectField(Account, 'audit', (t) =>
  t.field({
    type: AuditConnection,
    description:
      'The actions on the VMs of the account, newest first: every change, refused start and read of secret values, and what operators did to ' +
      'the account. ' +
      'Kept for 90 days unless the operator configures another period. Errors: BAD_USER_INPUT for an invalid ' +
      'page size or cursor.',
    complexity: (args) => ({ field: 1, multiplier: pageSize(args) }),
    args: {
      ...pageArgs,
      vmId: t.arg.id({ required: false, description: 'Only actions on this VM, which may have been deleted.' }),
      actions: t.arg({ type: [AuditAction], required: false, description: 'Only these actions.' }),
    },
    resolve: async ({ userId }, { vmId, actions, ...page }, { db }): Promise<RequestedPage<Entry>> => {
      const request = parsePage('audit', page);
      // No VM has such an id, and so none has an entry.
      if (vmId != null && !isUuid(vmId)) return { items: [], hasMore: false, request };
      const known = actions?.filter((action) => action !== 'OTHER');
      const filter = { vmId: vmId ?? undefined, actions: known };
      return { ...(await listAudit(db, userId, request, filter)), request };
    },
  }),
);
