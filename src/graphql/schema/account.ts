import type { Usage as AccountUsage } from '../../vm/limits.ts';
import { builder } from './builder.ts';
import { Plan } from './catalog.ts';

const Usage = builder.objectRef<AccountUsage>('Usage').implement({
  description: 'What the account uses now.',
  fields: (t) => ({
    cpu: t.exposeInt('cpu', { description: 'vCPU cores of all enabled VMs.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory of all enabled VMs.' }),
    storageGb: t.exposeFloat('storageGb', {
      description: 'GB measured on all volumes that are kept when a VM stops, refreshed about every minute.',
    }),
    concurrentVms: t.exposeInt('concurrentVms', { description: 'VMs that are enabled.' }),
    vms: t.exposeInt('vms', { description: 'VMs in any state.' }),
  }),
});

export const Account = builder.objectRef<{ readonly userId: string }>('Account').implement({
  description: 'The account of the token.',
  fields: (t) => ({
    userId: t.exposeID('userId', { description: "The token's `sub`." }),
    plan: t.field({
      type: Plan,
      description: "The token's plan if it names one, otherwise the account's.",
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).plan,
    }),
    usage: t.field({
      type: Usage,
      description: 'What it uses now.',
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).usage,
    }),
  }),
});

builder.queryField('me', (t) =>
  t.field({
    type: Account,
    description: 'The account of the token. An account that has never created a VM has the default plan.',
    resolve: (_root, _args, { viewer: { userId } }) => ({ userId }),
  }),
);
