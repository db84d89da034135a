import { VERSION } from '../../lib/version.ts';
import { builder } from './builder.ts';

const Gateway = builder.objectRef<object>('Gateway').implement({
  description: 'The gateway that answers.',
  fields: (t) => ({
    version: t.string({ description: 'Its version.', resolve: () => VERSION }),
    regionsChangedAt: t.field({
      type: 'DateTime',
      description:
        'When this gateway first answered with what `regions` says now. Query `regions` again when it is another time.',
      resolve: (_gateway, _args, { regionsChangedAt }) => regionsChangedAt(),
    }),
  }),
});

builder.queryField('gateway', (t) =>
  t.field({ type: Gateway, description: 'The gateway that answers.', resolve: () => ({}) }),
);
