import { createVm, deleteVm, restartVm, startVm, stopVm, updateVm } from '../../../vm/commands/vm-commands.ts';
import { builder } from '../builder.ts';
import { Vm } from './vm.ts';
import { withSelection } from './vm-selection.ts';

const StorageType = builder.enumType('StorageType', {
  description: "What happens to the VM's primary volume when it stops.",
  values: {
    PERSISTENT: { description: 'It is kept until the VM is deleted.' },
    EPHEMERAL: { description: 'It is deleted. Volumes that the image declares as data are kept.' },
  } as const,
});

const CreateVmInput = builder.inputType('CreateVmInput', {
  description: 'A VM to create.',
  fields: (t) => ({
    vmlabel: t.string({ description: 'A label, 1 to 100 characters.' }),
    region: t.string({ description: 'The code of a region, such as "AU".' }),
    password: t.string({
      description: "The default user's password, 1 to 128 characters. Stored as the secret VM_PASSWORD.",
    }),
    storageType: t.field({
      type: StorageType,
      required: false,
      defaultValue: 'EPHEMERAL',
      description: 'What happens to the primary volume when the VM stops.',
    }),
    distribution: t.string({ description: 'The code of a catalog entry.' }),
    desktop: t.string({
      required: false,
      description: 'One of the desktops of a WEBTOP; not allowed for a PREMADE distribution.',
    }),
    cpu: t.int({ description: 'vCPU cores, 1 to 128. Checked against the plan when the VM starts.' }),
    ram: t.int({ description: 'GB of memory, 1 to 1024. Checked against the plan when the VM starts.' }),
    idempotencyKey: t.string({
      required: false,
      description: 'At most 255 characters. A repeated call with the same key returns the VM of the first call.',
    }),
  }),
});

const UpdateVmInput = builder.inputType('UpdateVmInput', {
  description: 'What to change. Absent fields stay as they are.',
  fields: (t) => ({
    id: t.id({ description: 'The VM.' }),
    vmlabel: t.string({ required: false, description: 'A label, 1 to 100 characters.' }),
    cpu: t.int({ required: false, description: 'vCPU cores, 1 to 128. Only while the VM is off.' }),
    ram: t.int({ required: false, description: 'GB of memory, 1 to 1024. Only while the VM is off.' }),
  }),
});

builder.mutationFields((t) => ({
  createVm: t.field({
    type: Vm,
    description:
      'Creates a VM, which is off. Plan limits are checked when it starts; `startViolations` shows them in advance. ' +
      'Errors: BAD_USER_INPUT with each bad field, CONFLICT if the idempotency key was used with other input, ' +
      'QUOTA_EXCEEDED with `violations` if the account has as many VMs as its plan allows, ACCOUNT_SUSPENDED, ' +
      'REGION_DRAINED.',
    args: { input: t.arg({ type: CreateVmInput, description: 'The VM.' }) },
    resolve: (_root, { input: { storageType, ...input } }, context) =>
      createVm(context, context.viewer, { ...input, storageType: storageType ?? 'EPHEMERAL' }),
  }),
  updateVm: t.field({
    type: Vm,
    description:
      'Changes the label, or the specs of a VM that is off. Errors: BAD_USER_INPUT, NOT_FOUND, CONFLICT for ' +
      'specs of a VM that is on.',
    args: { input: t.arg({ type: UpdateVmInput, description: 'What to change.' }) },
    resolve: (_root, { input: { id, ...changes } }, context, info) =>
      updateVm(withSelection(context, info), context.viewer, id, changes),
  }),
  startVm: t.field({
    type: Vm,
    description:
      'Turns a VM on and returns at once, while it boots. If it is already on, nothing happens, but a FAILED VM is ' +
      'retried now. Errors: NOT_FOUND, CONFLICT while it is being deleted, QUOTA_EXCEEDED with `violations`, ' +
      'ACCOUNT_SUSPENDED and REGION_DRAINED with the words of the operator.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context, info) => startVm(withSelection(context, info), context.viewer, id),
  }),
  stopVm: t.field({
    type: Vm,
    description:
      'Turns a VM off, in any status. The app gets a grace period to exit. If it is already off, nothing ' +
      'happens. Errors: NOT_FOUND.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context, info) => stopVm(withSelection(context, info), context.viewer, id),
  }),
  restartVm: t.field({
    type: Vm,
    description:
      'Replaces the container of a VM and keeps its volumes. If the new container does not come up, the old one is ' +
      'restored (see `Vm.changeUndone`). A VM that is off is turned on. The container is created from the image that ' +
      'the catalog names now, in its newest version (see `VmImage`). Errors: as startVm.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context, info) => restartVm(withSelection(context, info), context.viewer, id),
  }),
  deleteVm: t.field({
    type: 'ID',
    description:
      'Deletes a VM with its volumes, secrets, mappings and ports, in any status. This cannot be undone. ' +
      'Errors: NOT_FOUND.',
    args: { id: t.arg.id({ description: 'The VM.' }) },
    resolve: (_root, { id }, context) => deleteVm(context, context.viewer, id),
  }),
}));
