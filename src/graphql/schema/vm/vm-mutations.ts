import { createVm, deleteVm, restartVm, startVm, stopVm, updateVm } from '../../../vm/commands/vm-commands.ts';
import { builder } from '../builder.ts';
import { Vm } from './vm.ts';

const StorageType = builder.enumType('StorageType', {
  description: "What becomes of the VM's primary volume when it stops.",
  values: {
    PERSISTENT: { description: 'It stays until the VM is deleted.' },
    EPHEMERAL: { description: 'It goes; volumes that the image declares as data stay.' },
  } as const,
});

const CreateVmInput = builder.inputType('CreateVmInput', {
  description: 'A VM to create.',
  fields: (t) => ({
    vmlabel: t.string({ description: 'A name for people, 1 to 100 characters.' }),
    region: t.string({ description: 'A region\'s code: "AU".' }),
    password: t.string({ description: "The default user's password, 1 to 128 characters; becomes the secret VM_PASSWORD." }),
    storageType: t.field({
      type: StorageType,
      required: false,
      defaultValue: 'EPHEMERAL',
      description: 'What becomes of the primary volume at a stop.',
    }),
    distribution: t.string({ description: "A catalog entry's code." }),
    desktop: t.string({ required: false, description: 'One of the desktops of a WEBTOP; a PREMADE distribution takes none.' }),
    cpu: t.int({ description: 'vCPU cores, 1 to 128. Checked against the plan at the start, not here.' }),
    ram: t.int({ description: 'GB of memory, 1 to 1024. Checked against the plan at the start, not here.' }),
    idempotencyKey: t.string({
      required: false,
      description: 'At most 255 characters: the same key again returns the VM that the first call made.',
    }),
  }),
});

const UpdateVmInput = builder.inputType('UpdateVmInput', {
  description: 'What to change; absent fields stay as they are.',
  fields: (t) => ({
    id: t.id({ description: 'The VM.' }),
    vmlabel: t.string({ required: false, description: 'A name for people, 1 to 100 characters.' }),
    cpu: t.int({ required: false, description: 'vCPU cores, 1 to 128; while stopped.' }),
    ram: t.int({ required: false, description: 'GB of memory, 1 to 1024; while stopped.' }),
  }),
});

builder.mutationFields((t) => ({
  createVm: t.field({
    type: Vm,
    description:
      'Creates a VM that is off. Plan limits are not checked here, `startViolations` says what they would. ' +
      'Errors: BAD_USER_INPUT with each bad field, CONFLICT for an idempotency key used with other input, ' +
      'QUOTA_EXCEEDED with `violations` when the account has as many VMs, on or off, as its plan allows.',
    args: { input: t.arg({ type: CreateVmInput, description: 'The VM.' }) },
    resolve: (_root, { input: { storageType, ...input } }, context) =>
      createVm(context, context.viewer, { ...input, storageType: storageType ?? 'EPHEMERAL' }),
  }),
  updateVm: t.field({
    type: Vm,
    description:
      'Renames a VM, or gives it other specs while it is off. Errors: BAD_USER_INPUT, NOT_FOUND, CONFLICT for specs while it is on.',
    args: { input: t.arg({ type: UpdateVmInput, description: 'What to change.' }) },
    resolve: (_root, { input: { id, ...changes } }, context) => updateVm(context, context.viewer, id, changes),
  }),
  startVm: t.field({
    type: Vm,
    description:
      'Turns a VM on and returns while it boots. Already on: nothing happens, except that one that FAILED is tried again now. ' +
      'Errors: NOT_FOUND, CONFLICT while it is being deleted, QUOTA_EXCEEDED with `violations`.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context) => startVm(context, context.viewer, id),
  }),
  stopVm: t.field({
    type: Vm,
    description: 'Turns a VM off, in every status; its app gets its grace to end. Already off: nothing happens. Errors: NOT_FOUND.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context) => stopVm(context, context.viewer, id),
  }),
  restartVm: t.field({
    type: Vm,
    description:
      'Gives a VM a new container with its volumes kept, and the old one back when that does not come up (see ' +
      '`Vm.changeUndone`); one that is off is turned on. The container is made from the image that the catalog names ' +
      'now, a newer one if its registry has one (see `VmImage`). Errors: as startVm.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context) => restartVm(context, context.viewer, id),
  }),
  deleteVm: t.field({
    type: 'ID',
    description: 'Deletes a VM with its volumes, secrets, mappings and ports, in every status; there is no way back. Errors: NOT_FOUND.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context) => deleteVm(context, context.viewer, id),
  }),
}));
