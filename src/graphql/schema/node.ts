import { builder } from './builder.ts';

/** An object with a global id, which `Query.node` finds. */
export const Node = builder.interfaceRef<object>('Node').implement({
  description: 'An object that `Query.node` finds by its id.',
  fields: (t) => ({
    id: t.id({
      description: 'A global id: no two objects have the same. That of a VM is its UUID, others are opaque.',
      resolve() {
        throw new Error('A type that implements Node has its own resolver of its id.');
      },
    }),
  }),
});
