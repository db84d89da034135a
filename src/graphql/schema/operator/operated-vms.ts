import { findOperatedVm, listOperatedVms, type OperatedVm as Model } from '../../../operator/operated-vm.ts';
import { builder } from '../builder.ts';
import { pageArgs, PageInfo, pageSize, parsePage, toCursor, toPageInfo, type RequestedPage } from '../page.ts';
import { VmStatus } from '../vm/vm-status.ts';
import { Operator } from './operator.ts';

const cursorOf = (vm: Model): string => toCursor('vm', vm);

export const OperatedVm = builder.objectRef<Model>('OperatedVm').implement({
  description: 'A VM of any account, as an operator sees it.',
  fields: (t) => ({
    vmId: t.id({ description: 'The UUID of the VM.', resolve: ({ id }) => id }),
    userId: t.exposeID('userId', { description: 'The account that owns it.' }),
    vmlabel: t.exposeString('vmlabel', { description: 'Its label.' }),
    region: t.exposeString('region', { description: 'The code of its region.' }),
    distribution: t.exposeString('distribution', { description: 'The code of its catalog entry.' }),
    desktop: t.exposeString('desktop', { nullable: true, description: 'Its desktop; null for a single app.' }),
    cpu: t.exposeInt('cpu', { description: 'vCPU cores.' }),
    ram: t.int({ description: 'GB of memory.', resolve: ({ ramGb }) => ramGb }),
    persistent: t.exposeBoolean('persistent', { description: 'Whether its primary volume is kept when it stops.' }),
    enabled: t.exposeBoolean('enabled', { description: 'The desired state.' }),
    status: t.field({ type: VmStatus, description: 'The observed state.', resolve: ({ status }) => status }),
    statusSince: t.field({
      type: 'DateTime',
      description: 'Since when it has this status.',
      resolve: ({ statusSince }) => statusSince,
    }),
    failureCode: t.exposeString('failureCode', {
      nullable: true,
      description: 'Why its last attempt failed, one of the codes of `VmFailure.code`; null if none has.',
    }),
    failureMessage: t.exposeString('failureMessage', {
      nullable: true,
      description: 'The same in words; null if none has failed.',
    }),
    storageUsedGb: t.float({
      description: 'GB measured on its volumes that are kept when it stops.',
      resolve: ({ storageBytes }) => storageBytes / 2 ** 30,
    }),
    scratchUsedGb: t.float({
      description: 'GB that its container holds outside those volumes.',
      resolve: ({ scratchBytes }) => scratchBytes / 2 ** 30,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created.',
      resolve: ({ createdAt }) => createdAt,
    }),
  }),
});

const OperatedVmConnection = builder.objectRef<RequestedPage<Model>>('OperatedVmConnection').implement({
  description: 'A page of the VMs of all accounts, in order of creation.',
  fields: (t) => ({
    // Already counted by the page size.
    nodes: t.field({
      type: [OperatedVm],
      complexity: { field: 1, multiplier: 1 },
      description: 'The VMs.',
      resolve: ({ items }) => [...items],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page.',
      resolve: (page) => toPageInfo(page.items.map(cursorOf), page),
    }),
  }),
});

const OperatedVmFilter = builder.inputType('OperatedVmFilter', {
  description: 'Conditions that a VM must all meet.',
  fields: (t) => ({
    userId: t.id({ required: false, description: 'The account.' }),
    enabled: t.boolean({ required: false, description: 'The desired state.' }),
    status: t.field({ type: [VmStatus], required: false, description: 'Any of these statuses.' }),
    region: t.string({ required: false, description: "A region's code." }),
    distribution: t.string({ required: false, description: "A catalog entry's code." }),
    search: t.string({ required: false, description: 'A part of the label, ignoring case.' }),
  }),
});

builder.objectFields(Operator, (t) => ({
  vm: t.field({
    type: OperatedVm,
    nullable: true,
    description: 'A VM of any account; null if there is none.',
    args: { id: t.arg.id({ description: 'The UUID.' }) },
    resolve: async (_operator, { id }, { db }) => (await findOperatedVm(db, id)) ?? null,
  }),
  vms: t.field({
    type: OperatedVmConnection,
    description: 'The VMs of all accounts, in order of creation. Errors: BAD_USER_INPUT for a bad page or cursor.',
    complexity: (args) => ({ field: 1, multiplier: pageSize(args) }),
    args: {
      ...pageArgs,
      filter: t.arg({ type: OperatedVmFilter, required: false, description: 'By default, all VMs.' }),
    },
    resolve: async (_operator, { filter, ...page }, { db }): Promise<RequestedPage<Model>> => {
      const request = parsePage('vm', page);
      return { ...(await listOperatedVms(db, request, filter ?? {})), request };
    },
  }),
}));
