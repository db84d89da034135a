import { badInput } from '../errors.ts';
import { findVm, listVms, type VmPage } from '../vm/vm-store.ts';
import { builder } from './builder.ts';
import { Vm, VmStatus } from './vm.ts';
import type { Vm as VmModel } from '../vm/vm.ts';

const MAX_PAGE = 100;

interface Page extends VmPage {
  readonly after: number;
}

const PageInfo = builder.objectRef<Page>('PageInfo').implement({
  description: 'Where a page lies in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether more follow: ask again with `after: endCursor`.' }),
    hasPreviousPage: t.boolean({ description: 'Whether the page was asked for with a cursor.', resolve: ({ after }) => after > 0 }),
    startCursor: t.string({
      nullable: true,
      description: "The first node's cursor; null on an empty page.",
      resolve: ({ vms }) => edgeOf(vms[0]),
    }),
    endCursor: t.string({
      nullable: true,
      description: "The last node's cursor; null on an empty page.",
      resolve: ({ vms }) => edgeOf(vms.at(-1)),
    }),
  }),
});

const VmEdge = builder.objectRef<VmModel>('VmEdge').implement({
  description: 'A VM with its place in the list.',
  fields: (t) => ({
    cursor: t.string({ description: 'Its place: what `after` takes.', resolve: (vm) => toCursor(vm) }),
    node: t.field({ type: Vm, description: 'The VM.', resolve: (vm) => vm }),
  }),
});

const VmConnection = builder.objectRef<Page>('VmConnection').implement({
  description: 'A page of VMs, in order of creation.',
  fields: (t) => ({
    // The page's size already counts what is in it.
    nodes: t.field({ type: [Vm], complexity: { field: 1, multiplier: 1 }, description: 'The VMs.', resolve: ({ vms }) => [...vms] }),
    edges: t.field({
      type: [VmEdge],
      complexity: { field: 1, multiplier: 1 },
      description: 'The VMs with their cursors.',
      resolve: ({ vms }) => [...vms],
    }),
    pageInfo: t.field({ type: PageInfo, description: 'Where the page lies.', resolve: (page) => page }),
    totalCount: t.exposeInt('totalCount', { description: 'All that fit the filter, on every page.' }),
  }),
});

const VmFilter = builder.inputType('VmFilter', {
  description: 'Which VMs; all conditions hold together.',
  fields: (t) => ({
    enabled: t.boolean({ required: false, description: 'The desired state.' }),
    status: t.field({ type: [VmStatus], required: false, description: 'One of these observed states.' }),
    region: t.string({ required: false, description: "A region's code." }),
    search: t.string({ required: false, description: 'A part of the label, upper and lower case alike.' }),
  }),
});

builder.queryFields((t) => ({
  vm: t.field({
    type: Vm,
    nullable: true,
    description: "One VM; null when there is none, or it is another user's.",
    args: { id: t.arg.id({ description: 'The bare UUID.' }) },
    resolve: async (_root, { id }, { db, viewer }) => (await findVm(db, viewer.userId, id)) ?? null,
  }),
  vms: t.field({
    type: VmConnection,
    description: 'The VMs of the account, in order of creation.',
    complexity: ({ first }) => ({ field: 1, multiplier: Math.min(Math.max(first ?? 50, 1), MAX_PAGE) }),
    args: {
      first: t.arg.int({ required: false, defaultValue: 50, description: 'How many at most, 1 to 100.' }),
      after: t.arg.string({ required: false, description: 'The cursor after which to begin.' }),
      filter: t.arg({ type: VmFilter, required: false, description: 'Which VMs; without it, all.' }),
    },
    resolve: async (_root, { first, after, filter }, { db, viewer }): Promise<Page> => {
      const size = first ?? 50;
      if (size < 1 || size > MAX_PAGE) throw badInput([{ path: 'first', message: `must be from 1 to ${MAX_PAGE}.` }]);
      const start = after == null ? 0 : fromCursor(after);
      return { ...(await listVms(db, viewer.userId, { first: size, after: start, filter: filter ?? {} })), after: start };
    },
  }),
}));

function edgeOf(vm: VmModel | undefined): string | null {
  return vm === undefined ? null : toCursor(vm);
}

/** Opaque for clients, so that the order may become another one day. */
function toCursor({ number }: VmModel): string {
  return Buffer.from(`vm:${number}`).toString('base64url');
}

function fromCursor(cursor: string): number {
  const number = /^vm:(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (number === undefined) throw badInput([{ path: 'after', message: 'is not a cursor of this list.' }]);
  return Number(number);
}
