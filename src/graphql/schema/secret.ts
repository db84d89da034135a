import type { VmSecretName } from '../../secrets/secret-store.ts';
import { deleteSecret, setSecret } from '../../vm/commands/vm-secrets.ts';
import { builder } from './builder.ts';
import { selectsField } from './selects-field.ts';
import { Vm } from './vm/vm.ts';

const VmSecret = builder.objectRef<VmSecretName & { readonly value?: string }>('VmSecret').implement({
  description: "A variable of the container's environment. Stored encrypted; read only where it is selected.",
  fields: (t) => ({
    vmId: t.exposeID('vmId', { description: 'The VM.' }),
    key: t.exposeString('key', { description: "The variable's name." }),
    value: t.string({
      description: "The variable's value in clear. The account's audit tells of each read.",
      resolve({ value }) {
        if (value === undefined) throw new Error('A secret was selected with its value, and read without.');
        return value;
      },
    }),
    updatedAt: t.field({ type: 'DateTime', description: 'When it was last set.', resolve: ({ updatedAt }) => updatedAt }),
  }),
});

builder.objectField(Vm, 'secrets', (t) =>
  t.field({
    type: [VmSecret],
    description: 'Its secrets, by key; the password given at creation is among them as VM_PASSWORD.',
    resolve: ({ id }, _args, { loaders }, info) => (selectsField(info, 'value') ? loaders.secretValues(id) : loaders.secrets(id)),
  }),
);

const SetSecretInput = builder.inputType('SetSecretInput', {
  description: 'A secret to add or to replace.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    key: t.string({
      description:
        'The name of an environment variable: letters, digits and _, at most 128. Reserved: what decides how programs are loaded or what the image does at boot (PATH, LD_…, S6_…), what the catalog sets for the image, and the names that its sign-in takes from VM_PASSWORD.',
    }),
    value: t.string({
      description:
        'At most 32 KiB, no NUL character; all secrets of a VM at most 512 KiB with their names. VM_PASSWORD: as the password of createVm.',
    }),
  }),
});

builder.mutationFields((t) => ({
  setSecret: t.field({
    type: VmSecret,
    description:
      'Adds or replaces a secret. While the VM is on, its container is replaced at once and its volumes stay; when the new one does not come up, ' +
      'the old one comes back and the secret waits (see `Vm.changeUndone`). Errors: BAD_USER_INPUT, NOT_FOUND, CONFLICT past 200 secrets or 512 KiB of the VM, or 2,000 secrets of the account.',
    args: { input: t.arg({ type: SetSecretInput, description: 'The secret.' }) },
    resolve: (_root, { input: { vmId, ...secret } }, context) => setSecret(context, context.viewer, vmId, secret),
  }),
  deleteSecret: t.field({
    type: Vm,
    description: 'Removes a secret, with the same effect on a VM that is on. Errors: NOT_FOUND when there is no such VM or key.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      key: t.arg.string({ description: "The variable's name." }),
    },
    resolve: (_root, { vmId, key }, context) => deleteSecret(context, context.viewer, vmId, key),
  }),
}));
