import type { Region as RegionEntry } from '../../../catalog/catalog.ts';
import { engineProblem } from '../../../vm/problems/engine-problem.ts';
import { drainMessage } from '../../../vm/restrictions/region-drain.ts';
import { builder } from '../builder.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';

export const Region = builder.objectRef<RegionEntry>('Region').implement({
  description: 'A region, which is a code for an engine.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ code }) => toGlobalId('Region', code) }),
    code: t.exposeString('code', { description: 'The value of `region` in createVm, such as "AU".' }),
    name: t.exposeString('name', { description: 'The display name.' }),
    available: t.boolean({
      description:
        'Whether VMs can start there now: its engine answers and isolates VMs, and no operator has drained it. Unless ' +
        'it is drained, starts are accepted in any case and wait until it is available.',
      resolve: ({ code }, _args, { isRegionAvailable }) => isRegionAvailable(code),
    }),
    problem: t.string({
      nullable: true,
      description: 'Why VMs cannot start there now, human-readable; null if they can.',
      resolve({ code }, _args, { factsOf, findDrain }) {
        const drain = findDrain(code);
        if (drain !== undefined) return drainMessage(drain);
        const { problem } = factsOf(code);
        return problem === undefined ? null : engineProblem(problem, code).message;
      },
    }),
  }),
});

builder.queryField('regions', (t) =>
  t.field({
    type: [Region],
    description: 'The regions where VMs can run.',
    resolve: (_root, _args, { catalog }) => [...catalog.regions.values()],
  }),
);
