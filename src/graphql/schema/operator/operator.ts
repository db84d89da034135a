import { requireOperator } from '../../../operator/require-operator.ts';
import { listDrains, type RegionDrain } from '../../../vm/restrictions/region-drain.ts';
import { builder } from '../builder.ts';

const DrainedRegion = builder.objectRef<RegionDrain>('DrainedRegion').implement({
  description: 'A region where nothing new starts.',
  fields: (t) => ({
    region: t.exposeString('region', { description: 'The code of the region, which may no longer be configured.' }),
    reason: t.exposeString('reason', { description: 'Why, as users read it.' }),
    since: t.field({ type: 'DateTime', description: 'When it was drained.', resolve: ({ since }) => since }),
  }),
});

/** What operators read. Its fields are reached only through `Query.operator`, which checks the role. */
export const Operator = builder.objectRef<object>('Operator').implement({
  description:
    'What an operator sees of all accounts: what VMs use and how they are, and nothing that users keep in them.',
  fields: (t) => ({
    drainedRegions: t.field({
      type: [DrainedRegion],
      description: 'The regions where nothing new starts.',
      resolve: (_operator, _args, { db }) => listDrains(db),
    }),
  }),
});

builder.queryField('operator', (t) =>
  t.field({
    type: Operator,
    description: 'All accounts, for tokens with `app_metadata.role: "operator"`. Errors: FORBIDDEN for any other.',
    resolve(_root, _args, { viewer }) {
      requireOperator(viewer);
      return {};
    },
  }),
);
