import {
  findOperatedAccount,
  listOperatedAccounts,
  type OperatedAccount as Model,
} from '../../../operator/operated-account.ts';
import { Suspension } from '../account/account.ts';
import { builder } from '../builder.ts';
import { pageArgs, PageInfo, pageSize, parsePage, toCursor, toPageInfo, type RequestedPage } from '../page.ts';
import { Operator } from './operator.ts';

const cursorOf = (account: Model): string => toCursor('account', account);

export const OperatedAccount = builder.objectRef<Model>('OperatedAccount').implement({
  description: 'An account, as an operator sees it.',
  fields: (t) => ({
    userId: t.exposeID('userId', { description: "The tokens' `sub`." }),
    plan: t.exposeString('plan', { description: 'The code of the plan that its last token named, or the default.' }),
    operatorPlan: t.exposeString('operatorPlan', {
      nullable: true,
      description: 'The code of the plan that an operator has set, which counts before that; null if none has.',
    }),
    suspension: t.field({
      type: Suspension,
      nullable: true,
      description: 'Why its starts are refused; null if it is not suspended.',
      resolve: ({ suspension }) => suspension ?? null,
    }),
    cpu: t.exposeInt('cpu', { description: 'vCPU cores of its enabled VMs.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory of its enabled VMs.' }),
    storageGb: t.float({
      description: 'GB measured on its volumes that are kept when a VM stops.',
      resolve: ({ storageBytes }) => storageBytes / 2 ** 30,
    }),
    enabledVms: t.exposeInt('enabledVms', { description: 'The number of its VMs that are enabled.' }),
    vms: t.exposeInt('vms', { description: 'The number of its VMs.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created, with its first VM or by an operator.',
      resolve: ({ createdAt }) => createdAt,
    }),
  }),
});

const OperatedAccountConnection = builder.objectRef<RequestedPage<Model>>('OperatedAccountConnection').implement({
  description: 'A page of all accounts, in order of creation.',
  fields: (t) => ({
    // Already counted by the page size.
    nodes: t.field({
      type: [OperatedAccount],
      complexity: { field: 1, multiplier: 1 },
      description: 'The accounts.',
      resolve: ({ items }) => [...items],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page.',
      resolve: (page) => toPageInfo(page.items.map(cursorOf), page),
    }),
  }),
});

const OperatedAccountFilter = builder.inputType('OperatedAccountFilter', {
  description: 'Conditions that an account must all meet.',
  fields: (t) => ({
    suspended: t.boolean({ required: false, description: 'Whether it is suspended.' }),
    plan: t.string({ required: false, description: 'The code of its `operatorPlan`, or else of its `plan`.' }),
    search: t.string({ required: false, description: "A part of the user's id, ignoring case." }),
  }),
});

builder.objectFields(Operator, (t) => ({
  account: t.field({
    type: OperatedAccount,
    nullable: true,
    description: 'An account; null for a user who has never had a VM and is not known otherwise.',
    args: { userId: t.arg.id({ description: "The tokens' `sub`." }) },
    resolve: async (_operator, { userId }, { db }) => (await findOperatedAccount(db, userId)) ?? null,
  }),
  accounts: t.field({
    type: OperatedAccountConnection,
    description: 'All accounts, in order of creation. Errors: BAD_USER_INPUT for a bad page or cursor.',
    complexity: (args) => ({ field: 1, multiplier: pageSize(args) }),
    args: {
      ...pageArgs,
      filter: t.arg({ type: OperatedAccountFilter, required: false, description: 'By default, all accounts.' }),
    },
    resolve: async (_operator, { filter, ...page }, { db }): Promise<RequestedPage<Model>> => {
      const request = parsePage('account', page);
      return { ...(await listOperatedAccounts(db, request, filter ?? {})), request };
    },
  }),
}));
