import { forwardAddress, type PortForward as Forward } from '../../vm/networking/port-forward.ts';
import { addPort, removePort } from '../../vm/commands/vm-ports.ts';
import { builder } from './builder.ts';
import { PortProtocol } from './port-protocol.ts';
import { Vm } from './vm/vm.ts';

const PortForward = builder.objectRef<Forward>('PortForward').implement({
  description: 'A public port that leads to one of the VM, for what is not HTTP.',
  fields: (t) => ({
    vmId: t.exposeID('vmId', { description: 'The VM.' }),
    protocol: t.field({ type: PortProtocol, description: 'What it carries.', resolve: ({ protocol }) => protocol }),
    internalPort: t.exposeInt('internalPort', { description: 'The port inside the container, 1 to 65535.' }),
    publicPort: t.exposeInt('publicPort', {
      description:
        'The port outside. It stays until the forward or the VM is removed, unless something else holds it when the VM starts: then another is chosen, and an event tells.',
    }),
    address: t.string({
      description: 'What to connect to, "host:port"; answers while the VM is on.',
      resolve: ({ region, publicPort }, _args, { forward }) => forwardAddress(forward, region, publicPort),
    }),
  }),
});

builder.objectField(Vm, 'ports', (t) =>
  t.field({
    type: [PortForward],
    description:
      'Its forwarded ports, by protocol and internal port. A catalog entry with a TCP route has its port here from the creation on.',
    resolve: ({ ports }) => [...ports],
  }),
);

const AddPortInput = builder.inputType('AddPortInput', {
  description: 'A port to forward.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    protocol: t.field({ type: PortProtocol, description: 'What it carries.' }),
    internalPort: t.int({ description: 'The port inside the container, 1 to 65535; see `Distribution.ports`.' }),
  }),
});

builder.mutationFields((t) => ({
  addPort: t.field({
    type: PortForward,
    description:
      'Forwards a public port, which is chosen, to one of the VM. While the VM is on, its container is replaced at once and its volumes stay. ' +
      'A port that is forwarded already stays as it is. Errors: BAD_USER_INPUT for a port that its distribution does not allow, NOT_FOUND, ' +
      'CONFLICT past 16 ports of a VM or 64 of an account, or when every public port is taken.',
    args: { input: t.arg({ type: AddPortInput, description: 'The port.' }) },
    resolve: (_root, { input: { vmId, ...port } }, context) => addPort(context, context.viewer, vmId, port),
  }),
  removePort: t.field({
    type: Vm,
    description:
      'Takes a forward away and frees its public port, with the same effect on a VM that is on. Errors: NOT_FOUND when there is no such VM or forward.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      protocol: t.arg({ type: PortProtocol, description: 'What it carries.' }),
      internalPort: t.arg.int({ description: 'The port inside the container.' }),
    },
    resolve: (_root, { vmId, protocol, internalPort }, context) => removePort(context, context.viewer, vmId, { protocol, internalPort }),
  }),
}));
