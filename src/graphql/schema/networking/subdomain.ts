import { mappingSubdomain, mappingUrl, type Mapping } from '../../../vm/networking/mapping.ts';
import { addSubdomain, removeSubdomain } from '../../../vm/commands/vm-mappings.ts';
import type { OfVm } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';
import { addVmFields } from '../vm/add-vm-fields.ts';
import { Vm } from '../vm/vm.ts';
import { withSelection } from '../vm/vm-selection.ts';

export const Visibility = builder.enumType('Visibility', {
  description: 'Who may open an address.',
  values: {
    PUBLIC: { description: 'Anyone.' },
    PRIVATE: { description: 'Only browsers that have opened a link of openVm, shareVm or createOpenLink.' },
  } as const,
});

export const SubdomainMapping = builder.objectRef<OfVm<Mapping>>('SubdomainMapping').implement({
  description: "A subdomain of the VM's address that leads to one of its ports.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: OPAQUE_ID, resolve: ({ vmId, name }) => toGlobalId('SubdomainMapping', vmId, name) }),
    name: t.exposeString('name', {
      description:
        '1 to 26 lower-case letters, digits and inner dashes, not beginning with "xn--"; unique within the VM.',
    }),
    internalPort: t.exposeInt('internalPort', { description: 'The port inside the container, 1 to 65535.' }),
    subdomain: t.string({
      description: 'The dotted form, as in the REST API: `myapp.{id}.{domain}`.',
      resolve: ({ vmId, name }, _args, { address }) => mappingSubdomain(address, vmId, name),
    }),
    url: t.string({
      description: 'The canonical address, covered by one wildcard certificate: `https://myapp-{id}.{domain}`.',
      resolve: ({ vmId, name }, _args, { address }) => mappingUrl(address, vmId, name),
    }),
    visibility: t.field({ type: Visibility, description: 'Who may open it.', resolve: ({ visibility }) => visibility }),
  }),
});
addVmFields(SubdomainMapping);

builder.objectField(Vm, 'networking', (t) =>
  t.field({
    type: [SubdomainMapping],
    description: 'Its mappings, ordered by name.',
    resolve: (vm) => vm.mappings.map((mapping) => ({ ...mapping, vm })),
  }),
);

const AddSubdomainInput = builder.inputType('AddSubdomainInput', {
  description: 'A mapping to add.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    name: t.string({ description: '1 to 26 lower-case letters, digits and inner dashes, not beginning with "xn--".' }),
    internalPort: t.int({ description: 'The port inside the container, 1 to 65535.' }),
    visibility: t.field({ type: Visibility, required: false, defaultValue: 'PUBLIC', description: 'Who may open it.' }),
  }),
});

builder.mutationFields((t) => ({
  addSubdomain: t.field({
    type: SubdomainMapping,
    description:
      'Maps a subdomain to a port of the VM, effective at once. With the name and port of an existing mapping ' +
      'it only sets the visibility. ' +
      'Errors: BAD_USER_INPUT, NOT_FOUND, CONFLICT if the name leads to another port, and above 50 mappings ' +
      'per VM or 500 per account.',
    args: { input: t.arg({ type: AddSubdomainInput, description: 'The mapping.' }) },
    resolve: (_root, { input: { vmId, visibility, ...rest } }, context) =>
      addSubdomain(context, context.viewer, vmId, { ...rest, visibility: visibility ?? 'PUBLIC' }),
  }),
  removeSubdomain: t.field({
    type: Vm,
    description: 'Removes a mapping. Errors: NOT_FOUND if there is no such VM or name.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      name: t.arg.string({ description: 'The name of the mapping.' }),
    },
    resolve: (_root, { vmId, name }, context, info) =>
      removeSubdomain(withSelection(context, info), context.viewer, vmId, name),
  }),
}));
