import { text } from '../http/request/json.ts';
import { listQuery, type RestVm, type Route } from './route.ts';

/** Secrets and subdomain mappings of VMs. */
export const SETTING_ROUTES: readonly Route[] = [
  {
    path: '/vms/secrets',
    methods: ['GET'],
    summary: 'The secrets of all VMs, by VM and key',
    changesState: false,
    document: listQuery('id secrets { key value }'),
    variables: () => ({}),
    status: 200,
    reply: ({ nodes }) => ({ secrets: byVm(nodes, (vm) => vm.secrets.map(({ key, value }) => [key, value] as const)) }),
  },
  {
    path: '/vms/secrets',
    methods: ['POST'],
    summary: 'Add or replace a secret',
    changesState: true,
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
    summary: 'Remove a secret',
    changesState: true,
    document: 'mutation ($vmId: ID!, $key: String!) { deleteSecret(vmId: $vmId, key: $key) { id } }',
    variables: ({ params: { vmid, key } }) => ({ vmId: vmid, key }),
    status: 200,
    reply: (_data, { params: { vmid, key } }) => ({ message: 'Secret removed successfully', vmid, key }),
  },
  {
    path: '/vms/networking',
    methods: ['GET'],
    summary: 'The subdomain mappings of all VMs, by VM and name',
    changesState: false,
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
    summary: 'Add a subdomain mapping',
    changesState: true,
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
    summary: 'Remove a subdomain mapping',
    changesState: true,
    document: 'mutation ($vmId: ID!, $name: String!) { removeSubdomain(vmId: $vmId, name: $name) { id } }',
    variables: ({ params: { vmid, name } }) => ({ vmId: vmid, name }),
    status: 200,
    reply: (_data, { params: { vmid, name } }) => ({ message: 'Subdomain mapping removed successfully', vmid, name }),
  },
];

/** Entries by VM; a VM without entries is left out. */
function byVm<T>(
  vms: readonly RestVm[],
  entries: (vm: RestVm) => readonly (readonly [string, T])[],
): Record<string, Record<string, T>> {
  return Object.fromEntries(
    vms.flatMap((vm) => {
      const own = entries(vm);
      return own.length === 0 ? [] : [[vm.id, Object.fromEntries(own)]];
    }),
  );
}
