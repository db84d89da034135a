import type { JsonObject } from '../http/request/json.ts';
import { listQuery, type RestRequest, type RestVm, type Route } from './route.ts';

const ITEM = 'id vmlabel region os { distribution desktop } specs { cpu ram storage } enabled';

const byVmid = ({ params }: RestRequest): JsonObject => ({ id: params['vmid'] ?? '' });
const item = ({ id, vmlabel, region, os, specs, enabled }: RestVm) => ({ id, vmlabel, region, os, specs, enabled });

const VM_ACTION = { changesState: true, variables: byVmid, status: 200 } as const;

/** The life of VMs. */
export const VM_ROUTES: readonly Route[] = [
  {
    path: '/vms',
    methods: ['GET'],
    summary: 'All VMs of the account',
    changesState: false,
    document: listQuery(ITEM),
    variables: () => ({}),
    status: 200,
    reply: ({ nodes }) => ({ vms: nodes.map(item) }),
  },
  {
    path: '/vms/create',
    methods: ['POST'],
    summary: 'Create a VM; it is off until it is started',
    changesState: true,
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
    reply: ({ createVm }) => {
      if (createVm === undefined) return undefined;
      const { id, ...rest } = item(createVm);
      return { message: 'VM created successfully', vm: { id, user_id: createVm.userId, ...rest } };
    },
  },
  {
    ...VM_ACTION,
    path: '/vms/start/:vmid',
    methods: ['GET', 'POST'],
    summary: 'Start a VM',
    document: 'mutation ($id: ID!) { startVm(id: $id) { id } }',
    reply: () => ({ message: 'VM start process initiated successfully in the background.' }),
  },
  {
    ...VM_ACTION,
    path: '/vms/stop/:vmid',
    methods: ['GET', 'POST'],
    summary: 'Stop a VM; one without persistent storage loses its primary volume',
    document: 'mutation ($id: ID!) { stopVm(id: $id) { id } }',
    reply: () => ({ message: 'VM stop process initiated successfully in the background.' }),
  },
  {
    ...VM_ACTION,
    path: '/vms/delete/:vmid',
    methods: ['GET', 'DELETE'],
    summary: 'Delete a VM with its volumes, secrets and mappings',
    document: 'mutation ($id: ID!) { deleteVm(id: $id) }',
    reply: () => ({ message: 'VM deleted successfully' }),
  },
  {
    path: '/vms/:vmid',
    methods: ['GET'],
    summary: 'One VM, with its status and address',
    changesState: false,
    document: `query ($id: ID!) { vm(id: $id) { ${ITEM} status url } }`,
    variables: byVmid,
    status: 200,
    reply: ({ vm }) => (vm == null ? undefined : { ...item(vm), status: vm.status, url: vm.url }),
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
