import { builder } from './builder.ts';

/** Anything with an id of its own. */
export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'Anything with an id of its own.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The bare UUID, the same that the REST API uses.' }),
  }),
});
