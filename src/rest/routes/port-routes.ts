import { byVm, listQuery } from './rest-vm.ts';
import type { ReplyRoute, RestPort } from './route.ts';

/** Public ports of VMs, for what is not HTTP. */
export const PORT_ROUTES: readonly ReplyRoute[] = [
  {
    path: '/vms/ports',
    methods: ['GET'],
    id: 'listPorts',
    tag: 'Ports',
    summary: 'The forwarded ports of all VMs, by VM, protocol and internal port',
    description:
      'The key of a port is the end of the address that removes it. A VM without forwarded ports has no entry.',
    changesState: false,
    result: 'Ports',
    document: listQuery('id ports { protocol internalPort publicPort address }'),
    variables: () => ({}),
    status: 200,
    reply: ({ nodes }) => ({
      ports: byVm(nodes, (vm) =>
        vm.ports.map((port) => [`${port.protocol.toLowerCase()}/${port.internalPort}`, toPort(port)] as const),
      ),
    }),
  },
  {
    path: '/vms/ports',
    methods: ['POST'],
    id: 'addPort',
    tag: 'Ports',
    summary: 'Forward a public port to a port of a VM',
    description:
      'For what is not HTTP. The gateway chooses the public port. If the VM is on, its container is replaced at ' +
      'once; its volumes are kept. If the port is already forwarded, nothing changes. BAD_USER_INPUT for a ' +
      'port that the distribution does not allow; CONFLICT above the limits, or if no public port is free.',
    changesState: true,
    body: 'AddPort',
    result: 'PortAdded',
    document:
      'mutation ($input: AddPortInput!) { addPort(input: $input) { protocol internalPort publicPort address } }',
    variables: ({ body: { vmid, protocol, internal_port } }) => ({
      input: { vmId: vmid, protocol: toProtocol(protocol), internalPort: internal_port },
    }),
    fields: { vmId: 'vmid', internalPort: 'internal_port' },
    status: 201,
    reply: ({ addPort }, { body: { vmid } }) =>
      addPort && { message: 'Port forwarded successfully', vmid, ...toPort(addPort) },
  },
  {
    path: '/vms/ports/:vmid/:protocol/:internal_port',
    methods: ['DELETE'],
    id: 'removePort',
    tag: 'Ports',
    summary: 'Remove a forwarded port',
    description:
      'If the VM is on, its container is replaced at once; its volumes are kept. NOT_FOUND if there is no such ' +
      'VM or port.',
    changesState: true,
    result: 'PortRemoved',
    document:
      'mutation ($vmId: ID!, $protocol: PortProtocol!, $internalPort: Int!) ' +
      '{ removePort(vmId: $vmId, protocol: $protocol, internalPort: $internalPort) { id } }',
    variables: ({ params: { vmid, protocol, internal_port } }) => ({
      vmId: vmid,
      protocol: toProtocol(protocol),
      internalPort: toInteger(internal_port),
    }),
    fields: { vmId: 'vmid', internalPort: 'internal_port' },
    status: 200,
    reply: (_data, { params: { vmid, protocol = '', internal_port } }) => ({
      message: 'Port removed successfully',
      vmid,
      protocol: protocol.toLowerCase(),
      internal_port: toInteger(internal_port),
    }),
  },
];

function toPort({ protocol, internalPort, publicPort, address }: RestPort): object {
  return { protocol: protocol.toLowerCase(), internal_port: internalPort, public_port: publicPort, address };
}

/** GraphQL's name of a protocol, which it checks. */
function toProtocol(protocol: unknown): unknown {
  return typeof protocol === 'string' ? protocol.toUpperCase() : protocol;
}

/** The number that a part of an address is, or the text itself, which GraphQL refuses. */
export function toInteger(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text;
}
