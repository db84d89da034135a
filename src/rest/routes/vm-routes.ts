import type { JsonObject } from '../../http/request/json.ts';
import { DETAILS, ITEM, listQuery, toDetails, toItem, toOwned } from './rest-vm.ts';
import type { ReplyRoute } from './route.ts';

const READ = { tag: 'VMs', changesState: false, methods: ['GET'], status: 200 } as const;

/** What VMs are. */
export const VM_ROUTES: readonly ReplyRoute[] = [
  {
    ...READ,
    path: '/vms',
    id: 'listVms',
    summary: 'All VMs of the account',
    description: 'In order of creation, without those whose deletion was accepted.',
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
    description:
      'Limits of the plan are checked when it starts, but for the number of VMs: QUOTA_EXCEEDED. BAD_USER_INPUT ' +
      'names each bad field; CONFLICT if the Idempotency-Key was used with other input.',
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
    description: 'What is left out stays as it is. CONFLICT for specs of a VM that is on.',
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
    ...READ,
    path: '/vms/:vmid',
    id: 'getVm',
    summary: 'One VM, with its status and address',
    description: 'Also while it is being deleted: its status is DELETING, then NOT_FOUND.',
    result: 'VmDetails',
    document: `query ($id: ID!) { vm(id: $id) { ${DETAILS} } }`,
    variables: ({ params: { vmid } }) => ({ id: vmid }),
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
