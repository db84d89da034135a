import { findVm, listVms, type VmPage } from '../../../vm/vm-store.ts';
import type { Vm as VmModel } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import { DEFAULT_PAGE, fromCursor, PageInfo, pageSize, parsePageSize, toCursor, toPageInfo } from '../page.ts';
import { Vm, VmStatus } from './vm.ts';

interface Page extends VmPage {
  readonly after: number | undefined;
}

const cursorOf = (vm: VmModel): string => toCursor('vm', vm);

const VmEdge = builder.objectRef<VmModel>('VmEdge').implement({
  description: 'A VM with its place in the list.',
  fields: (t) => ({
    cursor: t.string({ description: 'Its place: what `after` takes.', resolve: cursorOf }),
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
    pageInfo: t.field({
      type: PageInfo,
      description: 'Where the page lies.',
      resolve: (page) => toPageInfo(page.vms.map(cursorOf), page),
    }),
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
    complexity: ({ first }) => ({ field: 1, multiplier: pageSize(first) }),
    args: {
      first: t.arg.int({ required: false, defaultValue: DEFAULT_PAGE, description: 'How many at most, 1 to 100.' }),
      after: t.arg.string({ required: false, description: 'The cursor after which to begin.' }),
      filter: t.arg({ type: VmFilter, required: false, description: 'Which VMs; without it, all.' }),
    },
    resolve: async (_root, { first, after, filter }, { db, viewer }): Promise<Page> => {
      const start = fromCursor('vm', after);
      const page = { first: parsePageSize(first), after: start ?? 0, filter: filter ?? {} };
      return { ...(await listVms(db, viewer.userId, page)), after: start };
    },
  }),
}));
