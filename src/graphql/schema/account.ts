import type { Usage as AccountUsage } from '../../vm/limits.ts';
import { builder } from './builder.ts';
import { Plan } from './catalog.ts';

const Usage = builder.objectRef<AccountUsage>('Usage').implement({
  description: 'What the account uses of its plan now.',
  fields: (t) => ({
    cpu: t.exposeInt('cpu', { description: 'vCPU cores of all enabled VMs.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory of all enabled VMs.' }),
    storageGb: t.exposeFloat('storageGb', { description: 'GB measured on all volumes that outlive a stop, refreshed about every minute.' }),
    concurrentVms: t.exposeInt('concurrentVms', { description: 'VMs that are enabled.' }),
    vms: t.exposeInt('vms', { description: 'VMs in whatever state.' }),
  }),
});

export const Account = builder.objectRef<{ readonly userId: string }>('Account').implement({
  description: 'The account that the token names.',
  fields: (t) => ({
    userId: t.exposeID('userId', { description: "The token's `sub`." }),
    plan: t.field({
      type: Plan,
      description: "The token's plan where it names one, else the account's.",
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).plan,
    }),
    usage: t.field({
      type: Usage,
      description: 'What it uses of the plan.',
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).usage,
    }),
  }),
});

builder.queryField('me', (t) =>
  t.field({
    type: Account,
    description: 'The account that the token names; one that never made a VM has the default plan and uses nothing.',
    resolve: (_root, _args, { viewer: { userId } }) => ({ userId }),
  }),
);
