import { findVm } from '../../../vm/store/vm-store.ts';
import { listVms, type VmPage } from '../../../vm/store/vm-list.ts';
import type { Vm as VmModel } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import { pageArgs, PageInfo, pageSize, parsePage, toCursor, toPageInfo, type RequestedPage } from '../page.ts';
import { Vm } from './vm.ts';
import { VmStatus } from './vm-status.ts';
import { connectionSelection, selectedProperties } from './vm-selection.ts';

type Page = VmPage & RequestedPage<VmModel>;

const cursorOf = (vm: VmModel): string => toCursor('vm', vm);

const VmEdge = builder.objectRef<VmModel>('VmEdge').implement({
  description: 'A VM and its cursor.',
  fields: (t) => ({
    cursor: t.string({ description: 'The cursor, for `after`.', resolve: cursorOf }),
    node: t.field({ type: Vm, description: 'The VM.', resolve: (vm) => vm }),
  }),
});

const VmConnection = builder.objectRef<Page>('VmConnection').implement({
  description: 'A page of VMs, in order of creation.',
  fields: (t) => ({
    // Already counted by the page size.
    nodes: t.field({
      type: [Vm],
      complexity: { field: 1, multiplier: 1 },
      description: 'The VMs.',
      resolve: ({ items }) => [...items],
    }),
    edges: t.field({
      type: [VmEdge],
      complexity: { field: 1, multiplier: 1 },
      description: 'The VMs with their cursors.',
      resolve: ({ items }) => [...items],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page.',
      resolve: (page) => toPageInfo([page.items[0], page.items.at(-1)].flatMap((vm) => vm ?? []).map(cursorOf), page),
    }),
    totalCount: t.int({
      description: 'The number of VMs on all pages.',
      resolve({ totalCount }) {
        if (totalCount === undefined) throw new Error('totalCount is selected but was not read.');
        return totalCount;
      },
    }),
  }),
});

const VmFilter = builder.inputType('VmFilter', {
  description: 'Conditions that a VM must all meet.',
  fields: (t) => ({
    enabled: t.boolean({ required: false, description: 'The desired state.' }),
    status: t.field({ type: [VmStatus], required: false, description: 'Any of these statuses.' }),
    region: t.string({ required: false, description: "A region's code." }),
    search: t.string({ required: false, description: 'A part of the label, ignoring case.' }),
  }),
});

builder.queryFields((t) => ({
  vm: t.field({
    type: Vm,
    nullable: true,
    description: 'A VM; null if it does not exist or belongs to another account.',
    args: { id: t.arg.id({ description: 'The UUID.' }) },
    resolve: async (_root, { id }, { db, viewer }, info) =>
      (await findVm(db, viewer.userId, id, selectedProperties(info))) ?? null,
  }),
  vms: t.field({
    type: VmConnection,
    description: 'The VMs of the account, in order of creation.',
    complexity: (args) => ({ field: 1, multiplier: pageSize(args) }),
    args: {
      ...pageArgs,
      filter: t.arg({ type: VmFilter, required: false, description: 'By default, all VMs.' }),
    },
    resolve: async (_root, { filter, ...page }, { db, viewer }, info): Promise<Page> => {
      const request = parsePage('vm', page);
      const list = { page: request, filter: filter ?? {} };
      return { ...(await listVms(db, viewer.userId, list, connectionSelection(info))), request };
    },
  }),
}));
