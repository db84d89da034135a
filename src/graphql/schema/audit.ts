import { AUDIT_ACTIONS, type AuditAction as Action, type AuditEntry as Entry } from '../../audit/audit.ts';
import { listAudit, type AuditPage } from '../../audit/audit-store.ts';
import { isUuid } from '../../lib/is-uuid.ts';
import { Account } from './account.ts';
import { builder } from './builder.ts';
import { DEFAULT_PAGE, fromCursor, PageInfo, pageSize, parsePageSize, toCursor, toPageInfo } from './page.ts';

interface Page extends AuditPage {
  readonly after: number | undefined;
}

const cursorOf = (entry: Entry): string => toCursor('audit', entry);

const AuditAction = builder.enumType('AuditAction', {
  description: 'What was done.',
  values: Object.fromEntries(
    Object.entries(AUDIT_ACTIONS).map(([action, description]) => [action, { description }]),
  ) as {
    [A in Action]: { description: string };
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
  description: 'An action on a VM: who, what, from where and when. Kept after the VM is deleted.',
  fields: (t) => ({
    action: t.field({ type: AuditAction, description: 'What was done.', resolve: ({ action }) => action }),
    actor: t.exposeID('actor', {
      nullable: true,
      description: "The user's id; null for a visitor with a one-time link.",
    }),
    address: t.exposeString('address', {
      description: 'The IP address of the client; "unknown" if the connection had already closed.',
    }),
    vmId: t.exposeID('vmId', { description: 'The VM, which may have been deleted.' }),
    vmlabel: t.exposeString('vmlabel', { description: 'The label of the VM before the action.' }),
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

const AuditConnection = builder.objectRef<Page>('AuditConnection').implement({
  description: 'A page of the audit, newest first.',
  fields: (t) => ({
    // Already counted by the page size.
    nodes: t.field({
      type: [AuditEntry],
      complexity: { field: 1, multiplier: 1 },
      description: 'The entries.',
      resolve: ({ entries }) => [...entries],
    }),
    edges: t.field({
      type: [AuditEdge],
      complexity: { field: 1, multiplier: 1 },
      description: 'The entries with their cursors.',
      resolve: ({ entries }) => [...entries],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page; the next one is older.',
      resolve: (page) => toPageInfo(page.entries.map(cursorOf), page),
    }),
  }),
});

builder.objectField(Account, 'audit', (t) =>
  t.field({
    type: AuditConnection,
    description:
      'The actions on the VMs of the account, newest first: every change, refused start and read of secret values. ' +
      'Kept for 90 days unless the operator configures another period. Errors: BAD_USER_INPUT for an invalid ' +
      'page size or cursor.',
    complexity: ({ first }) => ({ field: 1, multiplier: pageSize(first) }),
    args: {
      first: t.arg.int({
        required: false,
        defaultValue: DEFAULT_PAGE,
        description: 'The maximum number of entries, 1 to 100.',
      }),
      after: t.arg.string({ required: false, description: 'Return entries after this cursor, which are older.' }),
      vmId: t.arg.id({ required: false, description: 'Only actions on this VM, which may have been deleted.' }),
      actions: t.arg({ type: [AuditAction], required: false, description: 'Only these actions.' }),
    },
    resolve: async ({ userId }, { first, after, vmId, actions }, { db }): Promise<Page> => {
      const start = fromCursor('audit', after);
      const page = { first: parsePageSize(first), before: start };
      // No VM has such an id, and so none has an entry.
      if (vmId != null && !isUuid(vmId)) return { entries: [], hasNextPage: false, after: start };
      const filter = { vmId: vmId ?? undefined, actions: actions ?? undefined };
      return { ...(await listAudit(db, userId, page, filter)), after: start };
    },
  }),
);
