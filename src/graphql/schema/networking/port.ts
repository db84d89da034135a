import { forwardAddress, type PortForward as Forward } from '../../../vm/networking/port-forward.ts';
import { addPort, removePort } from '../../../vm/commands/vm-ports.ts';
import type { OfVm } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import { OPAQUE_ID, toGlobalId } from '../global-id.ts';
import { Node } from '../node.ts';
import { PortProtocol } from '../port-protocol.ts';
import { addVmFields } from '../vm/add-vm-fields.ts';
import { Vm } from '../vm/vm.ts';
import { withSelection } from '../vm/vm-selection.ts';

const PortForward = builder.objectRef<OfVm<Forward>>('PortForward').implement({
  description: 'A public port that is forwarded to a port of the VM, for protocols other than HTTP.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: OPAQUE_ID,
      resolve: ({ vmId, protocol, internalPort }) => toGlobalId('PortForward', vmId, protocol, String(internalPort)),
    }),
    protocol: t.field({ type: PortProtocol, description: 'The protocol.', resolve: ({ protocol }) => protocol }),
    internalPort: t.exposeInt('internalPort', { description: 'The port inside the container, 1 to 65535.' }),
    publicPort: t.exposeInt('publicPort', {
      description:
        'The public port. It stays the same until the forward or the VM is removed, unless another process uses it ' +
        'when the VM starts. Then another port is chosen, and an event reports the change.',
    }),
    address: t.string({
      description:
        'Where clients connect, "host:port"; works while the VM is running. On a swarm the host is that of the node ' +
        'that the VM is on, unless the operator has named one: it changes when the VM moves.',
      resolve: (port, _args, { forward }) => forwardAddress(forward, port),
    }),
  }),
});
addVmFields(PortForward);

builder.objectField(Vm, 'ports', (t) =>
  t.field({
    type: [PortForward],
    description:
      'Its forwarded ports, ordered by protocol and internal port. The port of a TCP route in the catalog is ' +
      'forwarded from creation on.',
    resolve: (vm) => vm.ports.map((port) => ({ ...port, vm })),
  }),
);

const AddPortInput = builder.inputType('AddPortInput', {
  description: 'A port to forward.',
  fields: (t) => ({
    vmId: t.id({ description: 'The VM.' }),
    protocol: t.field({ type: PortProtocol, description: 'The protocol.' }),
    internalPort: t.int({ description: 'The port inside the container, 1 to 65535; see `Distribution.ports`.' }),
  }),
});

builder.mutationFields((t) => ({
  addPort: t.field({
    type: PortForward,
    description:
      'Forwards a public port, which the gateway chooses, to a port of the VM. If the VM is on, its container ' +
      'is replaced at once; volumes are kept. ' +
      'If the port is already forwarded, nothing changes. Errors: BAD_USER_INPUT for a port that the ' +
      'distribution does not allow, NOT_FOUND, ' +
      'CONFLICT above 16 ports per VM or 64 per account, or if no public port is free.',
    args: { input: t.arg({ type: AddPortInput, description: 'The port.' }) },
    resolve: (_root, { input: { vmId, ...port } }, context) => addPort(context, context.viewer, vmId, port),
  }),
  removePort: t.field({
    type: Vm,
    description:
      'Removes a forward and frees its public port; replaces the container like addPort. Errors: NOT_FOUND if ' +
      'there is no such VM or forward.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      protocol: t.arg({ type: PortProtocol, description: 'The protocol.' }),
      internalPort: t.arg.int({ description: 'The port inside the container.' }),
    },
    resolve: (_root, { vmId, protocol, internalPort }, context, info) =>
      removePort(withSelection(context, info), context.viewer, vmId, { protocol, internalPort }),
  }),
}));
