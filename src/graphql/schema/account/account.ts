import { builder } from '../builder.ts';
import { createViolations, startViolations, type Usage as AccountUsage } from '../../../vm/limits.ts';
import type { Suspension as SuspensionModel } from '../../../vm/restrictions/suspension.ts';
import { readUsage } from '../../../vm/read-usage.ts';
import { isUuid } from '../../../lib/is-uuid.ts';
import { Plan } from '../catalog/plan.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';
import { QuotaViolation } from './quota.ts';

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

/** Also used by OperatedAccount. */
export const Suspension = builder.objectRef<SuspensionModel>('Suspension').implement({
  description: 'Why the starts of an account are refused.',
  fields: (t) => ({
    since: t.field({ type: 'DateTime', description: 'When it was suspended.', resolve: ({ since }) => since }),
    reason: t.exposeString('reason', { description: 'Why, in the words of an operator.' }),
  }),
});

export const Account = builder.objectRef<{ readonly userId: string }>('Account').implement({
  description: 'The account of the token.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ userId }) => toGlobalId('Account', userId) }),
    userId: t.exposeID('userId', { description: "The token's `sub`." }),
    plan: t.field({
      type: Plan,
      description: "The plan that an operator has set, otherwise the token's if it names one, otherwise the account's.",
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).plan,
    }),
    suspension: t.field({
      type: Suspension,
      nullable: true,
      description: 'Why its starts are refused with ACCOUNT_SUSPENDED; null if they are not.',
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).suspension ?? null,
    }),
    usage: t.field({
      type: Usage,
      description: 'What it uses now.',
      resolve: async (_account, _args, { loaders }) => (await loaders.account()).usage,
    }),
    violations: t.field({
      type: [QuotaViolation],
      description:
        'The limits that a VM of this size would exceed if it were created and started now, or, with `without`, if ' +
        'that VM got this size and were started. Empty if none.',
      args: {
        cpu: t.arg.int({ description: 'vCPU cores.' }),
        ram: t.arg.int({ description: 'GB of memory.' }),
        without: t.arg.id({ required: false, description: 'A VM of the account whose present use does not count.' }),
      },
      async resolve({ userId }, { cpu, ram, without }, { db, loaders }) {
        const { plan, usage } = await loaders.account();
        if (without == null || !isUuid(without))
          return [...createViolations(plan, usage.vms), ...startViolations(plan, usage, { cpu, ramGb: ram })];
        return startViolations(plan, await readUsage(db, userId, without), { cpu, ramGb: ram });
      },
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
