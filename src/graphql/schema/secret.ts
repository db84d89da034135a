import type { GraphQLResolveInfo } from 'graphql';
import type { VmSecretName } from '../../secrets/secret-store.ts';
import { deleteSecret, setSecret, setSecrets } from '../../vm/commands/vm-secrets.ts';
import type { OfVm, Vm as VmModel } from '../../vm/vm.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { OPAQUE_ID, toGlobalId } from './global-id.ts';
import { Node } from './node.ts';
import { selectedFields } from './selected-fields.ts';
import { addVmFields } from './vm/add-vm-fields.ts';
import { Vm } from './vm/vm.ts';
import { withSelection } from './vm/vm-selection.ts';

type VmSecretModel = OfVm<VmSecretName & { readonly value?: string }>;

const VmSecret = builder.objectRef<VmSecretModel>('VmSecret').implement({
  description:
    "A variable of the container's environment. Stored encrypted, and decrypted only when a query selects it.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ vmId, key }) => toGlobalId('VmSecret', vmId, key) }),
    key: t.exposeString('key', { description: "The variable's name." }),
    value: t.string({
      description:
        "The decrypted value. The account's audit records each read. Errors: FORBIDDEN for an API token of scope READ.",
      resolve({ value }) {
        if (value === undefined) throw new Error('The value of a secret is selected but was not read.');
        return value;
      },
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When it was last set.',
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});
addVmFields(VmSecret);

builder.objectField(Vm, 'secrets', (t) =>
  t.field({
    type: [VmSecret],
    description: 'Its secrets, ordered by key. The password from its creation is the secret VM_PASSWORD.',
    resolve: (vm, _args, context, info) => readSecrets(vm, context, info),
  }),
);

builder.objectField(Vm, 'secret', (t) =>
  t.field({
    type: VmSecret,
    nullable: true,
    description: 'One of its secrets; null if there is none with this key.',
    args: { key: t.arg.string({ description: "The variable's name." }) },
    async resolve(vm, { key }, context, info) {
      const secrets = await readSecrets(vm, context, info);
      return secrets.find((secret) => secret.key === key) ?? null;
    },
  }),
);

const SetSecretInput = builder.inputType('SetSecretInput', {
  description: 'A secret to add or replace.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    key: t.string({
      description:
        'The name of an environment variable: at most 128 letters, digits and _. Reserved are names that control how ' +
        'programs are loaded or how the image boots (PATH, LD_…, S6_…), names that the catalog sets for the image, ' +
        'and the names through which its sign-in gets VM_PASSWORD.',
    }),
    value: t.string({
      description:
        'At most 32 KiB, without NUL characters. All secrets of a VM, including their names, have at most 512 KiB. ' +
        'VM_PASSWORD has the rules of the password of createVm.',
    }),
  }),
});

const SecretEntry = builder.inputType('SecretEntry', {
  description: 'A secret of SetSecretsInput.',
  fields: (t) => ({
    key: t.string({ description: 'As in SetSecretInput.' }),
    value: t.string({ description: 'As in SetSecretInput.' }),
  }),
});

const SetSecretsInput = builder.inputType('SetSecretsInput', {
  description: 'Secrets to change together. A key can be in it once.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    set: t.field({
      type: [SecretEntry],
      required: false,
      defaultValue: [],
      description: 'Secrets to add or replace, at most 200.',
    }),
    remove: t.stringList({
      required: false,
      defaultValue: [],
      description: 'Keys to remove, at most 200. One that does not exist is no error.',
    }),
  }),
});

builder.mutationFields((t) => ({
  setSecrets: t.field({
    type: Vm,
    description:
      'Adds, replaces and removes secrets with one replacement of the container, all or none. Each key is an entry of ' +
      'the audit. Errors: as setSecret.',
    args: { input: t.arg({ type: SetSecretsInput, description: 'The changes.' }) },
    resolve: (_root, { input: { vmId, set, remove } }, context, info) =>
      setSecrets(withSelection(context, info), context.viewer, vmId, { set: set ?? [], remove: remove ?? [] }),
  }),
  setSecret: t.field({
    type: VmSecret,
    description:
      'Adds or replaces a secret. If the VM is on, its container is replaced at once; volumes are kept. If ' +
      'the new container does not come up, ' +
      'the old one is restored and the secret is applied later (see `Vm.changeUndone`). Errors: ' +
      'BAD_USER_INPUT, NOT_FOUND, CONFLICT above 200 secrets or ' +
      '512 KiB per VM, or 2,000 secrets per account.',
    args: { input: t.arg({ type: SetSecretInput, description: 'The secret.' }) },
    resolve: (_root, { input: { vmId, ...secret } }, context) => setSecret(context, context.viewer, vmId, secret),
  }),
  deleteSecret: t.field({
    type: Vm,
    description:
      'Removes a secret; replaces the container like setSecret. Errors: NOT_FOUND if there is no such VM or key.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      key: t.arg.string({ description: "The variable's name." }),
    },
    resolve: (_root, { vmId, key }, context, info) =>
      deleteSecret(withSelection(context, info), context.viewer, vmId, key),
  }),
}));

/** The secrets of the VM; with values only if they are selected, because the audit records it. */
async function readSecrets(vm: VmModel, { loaders }: Context, info: GraphQLResolveInfo): Promise<VmSecretModel[]> {
  const secrets = await (selectedFields(info).has('value') ? loaders.secretValues(vm.id) : loaders.secrets(vm.id));
  return secrets.map((secret) => ({ ...secret, vm }));
}
