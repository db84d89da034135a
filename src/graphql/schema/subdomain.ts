import { mappingSubdomain, mappingUrl, type Mapping } from '../../vm/networking/mapping.ts';
import { addSubdomain, removeSubdomain } from '../../vm/commands/vm-mappings.ts';
import { createOpenLink } from '../../vm/commands/open-links.ts';
import { builder } from './builder.ts';
import { Vm } from './vm/vm.ts';

export const Visibility = builder.enumType('Visibility', {
  description: 'Who may open an address.',
  values: {
    PUBLIC: { description: 'Anyone.' },
    PRIVATE: { description: 'Only browsers that came through a link of createOpenLink.' },
  } as const,
});

export const SubdomainMapping = builder.objectRef<Mapping>('SubdomainMapping').implement({
  description: "A name in front of the VM's address that leads to a port of its own.",
  fields: (t) => ({
    vmId: t.exposeID('vmId', { description: 'The VM.' }),
    name: t.exposeString('name', { description: '1 to 26 lower-case letters, digits and inner dashes; unique in its VM.' }),
    internalPort: t.exposeInt('internalPort', { description: 'The port inside the container, 1 to 65535.' }),
    subdomain: t.string({
      description: 'The dotted form, as REST prints it: `myapp.{id}.{domain}`.',
      resolve: ({ vmId, name }, _args, { address }) => mappingSubdomain(address, vmId, name),
    }),
    url: t.string({
      description: 'The canonical address, which one wildcard certificate covers: `https://myapp-{id}.{domain}`.',
      resolve: ({ vmId, name }, _args, { address }) => mappingUrl(address, vmId, name),
    }),
    visibility: t.field({ type: Visibility, description: 'Who may open it.', resolve: ({ visibility }) => visibility }),
  }),
});

builder.objectField(Vm, 'networking', (t) =>
  t.field({ type: [SubdomainMapping], description: 'Its mappings, by name.', resolve: ({ mappings }) => [...mappings] }),
);

const AddSubdomainInput = builder.inputType('AddSubdomainInput', {
  description: 'A mapping to add.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    name: t.string({ description: '1 to 26 lower-case letters, digits and inner dashes.' }),
    internalPort: t.int({ description: 'The port inside the container, 1 to 65535.' }),
    visibility: t.field({ type: Visibility, required: false, defaultValue: 'PUBLIC', description: 'Who may open it.' }),
  }),
});

builder.mutationFields((t) => ({
  addSubdomain: t.field({
    type: SubdomainMapping,
    description:
      'Puts a name in front of a port of the VM; works at once, on or off. The same name and port again only sets the visibility. ' +
      'Errors: BAD_USER_INPUT, NOT_FOUND, CONFLICT when the name leads to another port, and past 50 mappings of the VM or 500 of the account.',
    args: { input: t.arg({ type: AddSubdomainInput, description: 'The mapping.' }) },
    resolve: (_root, { input: { vmId, visibility, ...rest } }, context) =>
      addSubdomain(context, context.viewer, vmId, { ...rest, visibility: visibility ?? 'PUBLIC' }),
  }),
  removeSubdomain: t.field({
    type: Vm,
    description: 'Takes a mapping away. Errors: NOT_FOUND when there is no such VM or name.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      name: t.arg.string({ description: 'The name of the mapping.' }),
    },
    resolve: (_root, { vmId, name }, context) => removeSubdomain(context, context.viewer, vmId, name),
  }),
  createOpenLink: t.string({
    description:
      'A one-time link, good for 60 seconds, that opens an address of the VM in a browser, with all its paths, until your token ends; whether ' +
      'the VM is on or off. Errors: NOT_FOUND when there is no such VM or name.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      name: t.arg.string({ required: false, description: "A mapping's name; without it the VM's own address." }),
    },
    resolve: (_root, { vmId, name }, context) => createOpenLink(context, context.address, context.viewer, vmId, name ?? undefined),
  }),
}));
