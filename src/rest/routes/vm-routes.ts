import type { JsonObject } from '../../http/request/json.ts';
import { DETAILS, ITEM, listQuery, toDetails, toItem, toOwned } from './rest-vm.ts';
import type { ReplyRoute, RestData, RestRequest } from './route.ts';

const byVmid = ({ params }: RestRequest): JsonObject => ({ id: params['vmid'] ?? '' });

const READ = { tag: 'VMs', changesState: false, methods: ['GET'], status: 200 } as const;
const ACTION = { tag: 'VMs', changesState: true, variables: byVmid, status: 200, result: 'Message' } as const;

const OPEN = {
  methods: ['POST'],
  tag: 'VMs',
  changesState: true,
  document: 'mutation ($vmId: ID!, $name: String) { openVm(vmId: $vmId, name: $name) { url linkUntil accessUntil } }',
  variables: ({ params: { vmid, name } }: RestRequest) => ({ vmId: vmid, name }),
  fields: { vmId: 'vmid' },
  status: 201,
  result: 'OpenLink',
  reply: ({ openVm }: RestData) =>
    openVm && {
      message: 'Open link created successfully',
      url: openVm.url,
      link_until: openVm.linkUntil,
      access_until: openVm.accessUntil,
    },
} as const;

/** The life of VMs. */
export const VM_ROUTES: readonly ReplyRoute[] = [
  {
    ...READ,
    path: '/vms',
    id: 'listVms',
    summary: 'All VMs of the account',
    result: 'VmList',
    document: listQuery(ITEM),
    variables: () => ({}),
    reply: ({ nodes }) => ({ vms: nodes.map(toItem) }),
  },
  {
    path: '/vms/create',
    methods: ['POST'],
    id: 'createVm',
    tag: 'VMs',
    summary: 'Create a VM; it is off until it is started',
    changesState: true,
    body: 'CreateVm',
    result: 'VmChange',
    document: `mutation ($input: CreateVmInput!) { createVm(input: $input) { ${ITEM} userId } }`,
    variables: ({ body: { config, os }, idempotencyKey }) => ({
      input: {
        vmlabel: at(config, 'vmlabel'),
        region: at(config, 'region', 'code'),
        password: at(config, 'password'),
        // The seed: "If omitted or different, storage will be ephemeral."
        storageType: at(config, 'storageType') === 'persistent' ? 'PERSISTENT' : 'EPHEMERAL',
        distribution: at(os, 'distribution', 'code'),
        desktop: at(os, 'desktop'),
        cpu: at(os, 'cpu'),
        ram: at(os, 'ram'),
        idempotencyKey,
      },
    }),
    fields: {
      vmlabel: 'config.vmlabel',
      region: 'config.region.code',
      password: 'config.password',
      distribution: 'os.distribution.code',
      desktop: 'os.desktop',
      cpu: 'os.cpu',
      ram: 'os.ram',
      idempotencyKey: 'Idempotency-Key',
    },
    status: 201,
    reply: ({ createVm }) => createVm && { message: 'VM created successfully', vm: toOwned(createVm) },
  },
  {
    path: '/vms/update/:vmid',
    methods: ['POST'],
    id: 'updateVm',
    tag: 'VMs',
    summary: 'Rename a VM, or change the specs of one that is off',
    changesState: true,
    body: 'UpdateVm',
    result: 'VmChange',
    document: `mutation ($input: UpdateVmInput!) { updateVm(input: $input) { ${ITEM} userId } }`,
    variables: ({ params: { vmid }, body: { config, os } }) => ({
      input: { id: vmid, vmlabel: at(config, 'vmlabel'), cpu: at(os, 'cpu'), ram: at(os, 'ram') },
    }),
    fields: { id: 'vmid', vmlabel: 'config.vmlabel', cpu: 'os.cpu', ram: 'os.ram' },
    status: 200,
    reply: ({ updateVm }) => updateVm && { message: 'VM updated successfully', vm: toOwned(updateVm) },
  },
  {
    ...ACTION,
    path: '/vms/start/:vmid',
    methods: ['GET', 'POST'],
    id: 'startVm',
    summary: 'Start a VM',
    document: 'mutation ($id: ID!) { startVm(id: $id) { id } }',
    reply: () => ({ message: 'VM start process initiated successfully in the background.' }),
  },
  {
    ...ACTION,
    path: '/vms/stop/:vmid',
    methods: ['GET', 'POST'],
    id: 'stopVm',
    summary: 'Stop a VM; one without persistent storage loses its primary volume',
    document: 'mutation ($id: ID!) { stopVm(id: $id) { id } }',
    reply: () => ({ message: 'VM stop process initiated successfully in the background.' }),
  },
  {
    ...ACTION,
    path: '/vms/restart/:vmid',
    methods: ['POST'],
    id: 'restartVm',
    summary: 'Replace the container of a VM by one of the newest image; its volumes are kept',
    document: 'mutation ($id: ID!) { restartVm(id: $id) { id } }',
    reply: () => ({ message: 'VM restart process initiated successfully in the background.' }),
  },
  {
    ...ACTION,
    path: '/vms/delete/:vmid',
    methods: ['GET', 'DELETE'],
    id: 'deleteVm',
    summary: 'Delete a VM with its volumes, secrets and mappings',
    document: 'mutation ($id: ID!) { deleteVm(id: $id) }',
    reply: () => ({ message: 'VM deleted successfully' }),
  },
  {
    ...OPEN,
    path: '/vms/open/:vmid',
    id: 'openVm',
    summary: "Make a one-time link that opens a VM's own address in a browser",
  },
  {
    ...OPEN,
    path: '/vms/open/:vmid/:name',
    id: 'openSubdomain',
    summary: 'Make a one-time link that opens a subdomain of a VM in a browser',
  },
  {
    ...READ,
    path: '/vms/:vmid',
    id: 'getVm',
    summary: 'One VM, with its status and address',
    result: 'VmDetails',
    document: `query ($id: ID!) { vm(id: $id) { ${DETAILS} } }`,
    variables: byVmid,
    reply: ({ vm }) => (vm == null ? undefined : toDetails(vm)),
  },
];

/** The value at a path of nested objects. Undefined if it does not exist; GraphQL then reports the missing field. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as JsonObject)[key];
  }
  return current;
}
