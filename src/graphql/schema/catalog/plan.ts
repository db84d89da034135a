import type { Plan as PlanEntry } from '../../../catalog/plan.ts';
import { builder } from '../builder.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';

/** Also used by Account. */
export const Plan = builder.objectRef<PlanEntry>('Plan').implement({
  description: 'The limits of an account, not of a single VM. All but `vms` are checked when a VM starts.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ code }) => toGlobalId('Plan', code) }),
    code: t.exposeString('code', { description: 'The value of `app_metadata.plan` in a token.' }),
    name: t.exposeString('name', { description: 'The display name.' }),
    cpu: t.exposeInt('cpu', { description: 'vCPU cores of all enabled VMs.' }),
    ram: t.exposeInt('ram', { description: 'GB of memory of all enabled VMs.' }),
    storageGb: t.exposeInt('storageGb', { description: 'GB on all persistent volumes.' }),
    concurrentVms: t.exposeInt('concurrentVms', { description: 'The number of enabled VMs.' }),
    vms: t.exposeInt('vms', { description: 'The total number of VMs, on or off. Checked by createVm.' }),
  }),
});

builder.queryField('plans', (t) =>
  t.field({
    type: [Plan],
    description: 'The available plans.',
    resolve: (_root, _args, { catalog }) => [...catalog.plans.values()],
  }),
);
