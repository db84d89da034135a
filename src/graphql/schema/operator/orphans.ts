import type { OrphanReport, OrphanReports } from '../../../operator/orphan-desk.ts';
import { findOperatedVm } from '../../../operator/operated-vm.ts';
import { requireOperator } from '../../../operator/require-operator.ts';
import { ApiError } from '../../../errors.ts';
import { builder } from '../builder.ts';
import { OperatedVm } from './operated-vms.ts';
import { Operator } from './operator.ts';

const Orphan = builder.objectRef<OrphanReport>('Orphan').implement({
  description: 'What an engine has of a VM that is not in the database.',
  fields: (t) => ({
    vmId: t.id({ description: 'The id of the VM, as its labels have it.', resolve: ({ id }) => id }),
    regions: t.stringList({ description: 'The regions of its engine.', resolve: ({ regions }) => [...regions] }),
    state: t.exposeString('state', {
      nullable: true,
      description: 'The state of its container in the words of Docker; null without one.',
    }),
    volumes: t.stringList({ description: 'The names of its volumes.', resolve: ({ volumes }) => [...volumes] }),
    userId: t.exposeID('userId', { nullable: true, description: 'The owner; null if its labels name none.' }),
    isDeleted: t.exposeBoolean('isDeleted', {
      description: 'Whether the VM was deleted: the gateway removes what is left.',
    }),
  }),
});

const Orphans = builder.objectRef<OrphanReports>('Orphans').implement({
  description: 'What the engines have of VMs that are not in the database.',
  fields: (t) => ({
    nodes: t.field({ type: [Orphan], description: 'The orphans.', resolve: ({ orphans }) => [...orphans] }),
    problem: t.exposeString('problem', {
      nullable: true,
      description: 'Which engines could not be asked; null if all were.',
    }),
  }),
});

const AdoptOrphanInput = builder.inputType('AdoptOrphanInput', {
  description: 'An orphan to restore. What its labels say can be left out.',
  fields: (t) => ({
    id: t.id({ description: 'The id of the orphan.' }),
    userId: t.id({ required: false, description: 'The owner.' }),
    region: t.string({ required: false, description: 'The code of a region of its engine.' }),
    distribution: t.string({ required: false, description: 'The code of a catalog entry.' }),
    desktop: t.string({ required: false, description: 'One of the desktops of a WEBTOP.' }),
    cpu: t.int({ required: false, description: 'vCPU cores, 1 to 128.' }),
    ram: t.int({ required: false, description: 'GB of memory, 1 to 1024.' }),
    vmlabel: t.string({ required: false, description: 'A label, 1 to 100 characters.' }),
  }),
});

builder.objectField(Operator, 'orphans', (t) =>
  t.field({
    type: Orphans,
    complexity: 100,
    description: 'What the engines have of VMs that are not in the database. Asks every engine, for at most 15 s.',
    resolve: (_operator, _args, { orphans }) => orphans.list(),
  }),
);

builder.mutationFields((t) => ({
  adoptOrphan: t.field({
    type: OperatedVm,
    description:
      'For operators: restores the VM of an orphan with its volumes, off. Errors: FORBIDDEN, NOT_FOUND, ' +
      'BAD_USER_INPUT, CONFLICT if its labels lack something or it was deleted, UNAVAILABLE if its engine does not ' +
      'answer.',
    args: { input: t.arg({ type: AdoptOrphanInput, description: 'The orphan.' }) },
    async resolve(_root, { input }, { orphans, viewer, db }) {
      requireOperator(viewer);
      const { id, ram, ...given } = input;
      const order = Object.entries({ ...given, ramGb: ram }).filter(([, value]) => value != null);
      await orphans.adopt(viewer, id, Object.fromEntries(order));
      const vm = await findOperatedVm(db, id);
      if (vm === undefined) throw new ApiError('NOT_FOUND');
      return vm;
    },
  }),
  removeOrphan: t.field({
    type: 'ID',
    description:
      'For operators: removes the containers and volumes of an orphan. This cannot be undone. Errors: FORBIDDEN, ' +
      'NOT_FOUND, UNAVAILABLE if its engine does not answer.',
    args: { id: t.arg.id({ description: 'The id of the orphan.' }) },
    async resolve(_root, { id }, { orphans, viewer }) {
      requireOperator(viewer);
      await orphans.remove(viewer, id);
      return id;
    },
  }),
}));
