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
  // Only costs are declared here: operation-cost.ts weighs an operation once, before it runs.
  complexity: { defaultComplexity: 1, defaultListMultiplier: 10, disabled: true },
});

builder.scalarType('DateTime', {
  description: 'A moment, as ISO 8601 in UTC with milliseconds: `2026-11-24T09:30:00.000Z`.',
  // What is a text already is one of those.
  serialize: (value) => (typeof value === 'string' ? value : value.toISOString()),
  parseValue(value) {
    const date = typeof value === 'string' ? new Date(value) : undefined;
    if (date === undefined || Number.isNaN(date.getTime())) throw new GraphQLError('DateTime takes an ISO 8601 string.');
    return date;
  },
});

builder.queryType({ description: 'Reading: every answer is about the account that the token names.' });
builder.mutationType({
  description: 'Changing: each mutation writes what is wanted and returns at once; `vmEvents` tells how it goes.',
});
builder.subscriptionType({ description: 'Watching: over graphql-ws on a WebSocket, or over SSE.' });
