import { builder } from './builder.ts';

/** An object with an id. */
export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object with an id.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'A UUID, the same as in the REST API.' }),
  }),
});
