import { AUDIT_ACTIONS, type AuditAction as Action, type AuditEntry as Entry } from '../../audit/audit.ts';
import { listAudit, type AuditPage } from '../../audit/audit-store.ts';
import { Account } from './account.ts';
import { builder } from './builder.ts';
import { DEFAULT_PAGE, fromCursor, PageInfo, pageSize, parsePageSize, toCursor, toPageInfo } from './page.ts';

interface Page extends AuditPage {
  readonly after: number | undefined;
}

const cursorOf = (entry: Entry): string => toCursor('audit', entry);

const AuditAction = builder.enumType('AuditAction', {
  description: 'What was done.',
  values: Object.fromEntries(Object.entries(AUDIT_ACTIONS).map(([action, description]) => [action, { description }])) as {
    [A in Action]: { description: string };
  },
});

const AuditDetail = builder.objectRef<{ readonly name: string; readonly value: string }>('AuditDetail').implement({
  description: 'One particular of an action.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As the input calls it: "key", "vmlabel", "internalPort".' }),
    value: t.exposeString('value', { description: 'What it was; never the value of a secret.' }),
  }),
});

const AuditEntry = builder.objectRef<Entry>('AuditEntry').implement({
  description: 'Who did what to which VM, from where and when. It is kept when the VM is gone.',
  fields: (t) => ({
    action: t.field({ type: AuditAction, description: 'What was done.', resolve: ({ action }) => action }),
    actor: t.exposeID('actor', { nullable: true, description: "The user's id; null for whoever held a one-time link." }),
    address: t.exposeString('address', { description: 'The address that it came from; "unknown" when the connection had ended.' }),
    vmId: t.exposeID('vmId', { description: 'The VM, which may be gone.' }),
    vmlabel: t.exposeString('vmlabel', { description: 'What the VM was called before the action.' }),
    details: t.field({
      type: [AuditDetail],
      // A handful that came with the row.
      complexity: { field: 1, multiplier: 1 },
      description: 'Its particulars; empty for most actions.',
      resolve: ({ details }) =>
        Object.entries(details).flatMap(([name, value]) => (value === null ? [] : [{ name, value: String(value) }])),
    }),
    count: t.exposeInt('count', {
      description: 'How often, within its minute and from that address, for SECRETS_READ and START_REFUSED; 1 for any other.',
    }),
    at: t.field({ type: 'DateTime', description: 'When it was done; the last time, where it is counted.', resolve: ({ at }) => at }),
  }),
});

const AuditEdge = builder.objectRef<Entry>('AuditEdge').implement({
  description: 'An entry with its place in the list.',
  fields: (t) => ({
    cursor: t.string({ description: 'Its place: what `after` takes.', resolve: cursorOf }),
    node: t.field({ type: AuditEntry, description: 'The entry.', resolve: (entry) => entry }),
  }),
});

const AuditConnection = builder.objectRef<Page>('AuditConnection').implement({
  description: 'A page of the audit, newest first.',
  fields: (t) => ({
    // The page's size already counts what is in it.
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
      description: 'Where the page lies; what follows is older.',
      resolve: (page) => toPageInfo(page.entries.map(cursorOf), page),
    }),
  }),
});

builder.objectField(Account, 'audit', (t) =>
  t.field({
    type: AuditConnection,
    description:
      'What was done to the VMs of the account, newest first: every change, every refused start, every read of secret values. ' +
      'Kept for 90 days unless the operator set another time. Errors: BAD_USER_INPUT for a page or a cursor that there is not.',
    complexity: ({ first }) => ({ field: 1, multiplier: pageSize(first) }),
    args: {
      first: t.arg.int({ required: false, defaultValue: DEFAULT_PAGE, description: 'How many at most, 1 to 100.' }),
      after: t.arg.string({ required: false, description: 'The cursor after which to begin: older ones.' }),
    },
    resolve: async ({ userId }, { first, after }, { db }): Promise<Page> => {
      const start = fromCursor('audit', after);
      return { ...(await listAudit(db, userId, { first: parsePageSize(first), before: start })), after: start };
    },
  }),
);
