import { badInput } from '../../../errors.ts';
import { builder } from '../builder.ts';
import { MAX_PAGE } from '../page.ts';
import { Node } from '../node.ts';
import { readNodes } from './read-nodes.ts';

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description: "The object with a global id; null if there is none, and for another account's.",
    args: { id: t.arg.id({ description: 'The `id` of any object.' }) },
    resolve: async (_root, { id }, context, info) => (await readNodes([id], context, info))[0] ?? null,
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description:
      'The objects with these global ids, in the order of the ids; null in the place of one that does not exist or is ' +
      "another account's. Each id costs as much as `node`. Errors: BAD_USER_INPUT for more than 100 ids.",
    complexity: ({ ids }) => ({ field: 1, multiplier: Math.max(1, ids.length) }),
    args: { ids: t.arg.idList({ description: 'At most 100 ids.' }) },
    resolve(_root, { ids }, context, info) {
      if (ids.length > MAX_PAGE) throw badInput([{ path: 'ids', message: `must be at most ${MAX_PAGE} ids.` }]);
      return readNodes(ids, context, info);
    },
  }),
}));
