import { text } from '../../http/request/json.ts';
import { byVm, listQuery } from './rest-vm.ts';
import type { ReplyRoute } from './route.ts';

/** Secrets and subdomain mappings of VMs. */
export const SETTING_ROUTES: readonly ReplyRoute[] = [
  {
    path: '/vms/secrets',
    methods: ['GET'],
    id: 'listSecrets',
    tag: 'Secrets',
    summary: 'The secrets of all VMs, by VM and key',
    description:
      "Values are decrypted, and the account's audit records that they were read. A VM without secrets has no " +
      'entry.',
    changesState: false,
    result: 'Secrets',
    document: listQuery('id secrets { key value }'),
    variables: () => ({}),
    status: 200,
    reply: ({ nodes }) => ({ secrets: byVm(nodes, (vm) => vm.secrets.map(({ key, value }) => [key, value] as const)) }),
  },
  {
    path: '/vms/secrets',
    methods: ['POST'],
    id: 'setSecret',
    tag: 'Secrets',
    summary: 'Add or replace a secret',
    description:
      'A secret is a variable of the environment of the container. If the VM is on, its container is replaced ' +
      'at once; its volumes are kept. CONFLICT above the limits of a VM or of the account.',
    changesState: true,
    body: 'SetSecret',
    result: 'SecretChange',
    document: 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }',
    variables: ({ body: { vmid, key, value } }) => ({ input: { vmId: vmid, key, value } }),
    fields: { vmId: 'vmid' },
    status: 200,
    reply: (_data, { body }) => ({
      message: 'Secret added successfully',
      vmid: text(body['vmid']),
      key: text(body['key']),
    }),
  },
  {
    path: '/vms/secrets/:vmid/:key',
    methods: ['DELETE'],
    id: 'deleteSecret',
    tag: 'Secrets',
    summary: 'Remove a secret',
    description:
      'If the VM is on, its container is replaced at once; its volumes are kept. NOT_FOUND if there is no such ' +
      'VM or key.',
    changesState: true,
    result: 'SecretChange',
    document: 'mutation ($vmId: ID!, $key: String!) { deleteSecret(vmId: $vmId, key: $key) { id } }',
    variables: ({ params: { vmid, key } }) => ({ vmId: vmid, key }),
    status: 200,
    reply: (_data, { params: { vmid, key } }) => ({ message: 'Secret removed successfully', vmid, key }),
  },
  {
    path: '/vms/networking',
    methods: ['GET'],
    id: 'listSubdomains',
    tag: 'Networking',
    summary: 'The subdomain mappings of all VMs, by VM and name',
    description: 'A VM without subdomains has no entry.',
    changesState: false,
    result: 'Subdomains',
    document: listQuery('id networking { name internalPort }'),
    variables: () => ({}),
    status: 200,
    reply: ({ nodes }) => ({
      networking: byVm(nodes, (vm) =>
        vm.networking.map(
          ({ name, internalPort }) => [name, { subdomain: name, internal_port: internalPort }] as const,
        ),
      ),
    }),
  },
  {
    path: '/vms/networking',
    methods: ['POST'],
    id: 'addSubdomain',
    tag: 'Networking',
    summary: 'Add a subdomain mapping',
    description:
      'Effective at once, for anyone. CONFLICT if the name leads to another port, and above the limits of a VM ' +
      'or of the account.',
    changesState: true,
    body: 'AddSubdomain',
    result: 'SubdomainAdded',
    document: 'mutation ($input: AddSubdomainInput!) { addSubdomain(input: $input) { subdomain internalPort } }',
    variables: ({ body: { vmid, name, internal_port } }) => ({
      input: { vmId: vmid, name, internalPort: internal_port },
    }),
    fields: { vmId: 'vmid', internalPort: 'internal_port' },
    status: 201,
    reply: ({ addSubdomain }) => ({
      message: 'Subdomain mapping added successfully',
      subdomain: addSubdomain?.subdomain,
      internal_port: addSubdomain?.internalPort,
    }),
  },
  {
    path: '/vms/networking/:vmid/:name',
    methods: ['DELETE'],
    id: 'removeSubdomain',
    tag: 'Networking',
    summary: 'Remove a subdomain mapping',
    description: 'Effective at once. NOT_FOUND if there is no such VM or name.',
    changesState: true,
    result: 'SubdomainRemoved',
    document: 'mutation ($vmId: ID!, $name: String!) { removeSubdomain(vmId: $vmId, name: $name) { id } }',
    variables: ({ params: { vmid, name } }) => ({ vmId: vmid, name }),
    status: 200,
    reply: (_data, { params: { vmid, name } }) => ({ message: 'Subdomain mapping removed successfully', vmid, name }),
  },
];
