import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import { GraphQLError } from 'graphql';
import type { Context } from './context.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: true;
  Scalars: {
    DateTime: { Input: Date; Output: Date | string };
    ID: { Input: string; Output: string };
  };
}>({
  defaultFieldNullability: false,
  defaultInputFieldRequiredness: true,
  plugins: [ComplexityPlugin],
  // The plugin only declares costs; operation-cost.ts computes them once, before an operation runs.
  complexity: { defaultComplexity: 1, defaultListMultiplier: 10, disabled: true },
});

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

builder.scalarType('DateTime', {
  description: 'A date and time in RFC 3339, UTC, with milliseconds: `2026-11-24T09:30:00.000Z`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  // A string is already in this format.
  serialize: (value) => (typeof value === 'string' ? value : value.toISOString()),
  parseValue(value) {
    const date = typeof value === 'string' && RFC_3339.test(value) ? new Date(value) : undefined;
    if (date === undefined || Number.isNaN(date.getTime()))
      throw new GraphQLError('DateTime takes a string in RFC 3339, such as 2026-11-24T09:30:00Z.');
    return date;
  },
});

builder.queryType({ description: 'Reads. All results belong to the account of the token.' });
builder.mutationType({
  description:
    'Changes. A mutation stores the desired state and returns at once; subscribe to `vmEvents` for the progress.',
});
builder.subscriptionType({ description: 'Live data, over a WebSocket (graphql-ws) or server-sent events.' });
