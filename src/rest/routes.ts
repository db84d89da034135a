import { text, type JsonObject } from '../http/json.ts';

/** What a route reads of its request. */
export interface RestRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly idempotencyKey: string | undefined;
}

/**
 * One route of the seed's API: a GraphQL operation, the way in, and the way out. Everything else (who may, what is
 * valid, what is limited) is the operation's.
 */
export interface Route {
  readonly path: string;
  /** By method; a GET that changes state is there for the seed's old clients only. */
  readonly methods: readonly ('GET' | 'POST' | 'DELETE')[];
  readonly summary: string;
  readonly changesState: boolean;
  readonly document: string;
  readonly variables: (request: RestRequest) => JsonObject;
  /** REST's name of an input, where it differs from GraphQL's. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly status: 200 | 201;
  /** `nodes` holds the VMs of all pages when the operation lists VMs. */
  readonly reply: (data: RestData, request: RestRequest) => unknown;
}

interface RestVm {
  readonly id: string;
  readonly userId: string;
  readonly vmlabel: string;
  readonly region: string;
  readonly os: { readonly distribution: string; readonly desktop: string | null };
  readonly specs: { readonly cpu: number; readonly ram: number; readonly storage: boolean };
  readonly enabled: boolean;
  readonly status: string;
  readonly url: string;
  readonly secrets: readonly { readonly key: string; readonly value: string }[];
  readonly networking: readonly { readonly name: string; readonly internalPort: number }[];
}

export interface RestData {
  readonly nodes: readonly RestVm[];
  readonly vm?: RestVm | null;
  readonly createVm?: RestVm;
  readonly addSubdomain?: { readonly subdomain: string; readonly internalPort: number };
}

const ITEM = 'id vmlabel region os { distribution desktop } specs { cpu ram storage } enabled';
const listOf = (fields: string): string =>
  `query ($after: String) { vms(first: 100, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`;

const byVmid = ({ params }: RestRequest): JsonObject => ({ id: params['vmid'] ?? '' });
const item = ({ id, vmlabel, region, os, specs, enabled }: RestVm) => ({ id, vmlabel, region, os, specs, enabled });

/** An object by VM; a VM with nothing to show has no entry. */
function byVm<T>(vms: readonly RestVm[], entries: (vm: RestVm) => readonly (readonly [string, T])[]): Record<string, Record<string, T>> {
  return Object.fromEntries(
    vms.flatMap((vm) => {
      const own = entries(vm);
      return own.length === 0 ? [] : [[vm.id, Object.fromEntries(own)]];
    }),
  );
}

const VM_ACTION = { changesState: true, variables: byVmid, status: 200 } as const;

export const ROUTES: readonly Route[] = [
  {
    path: '/vms',
    methods: ['GET'],
    summary: 'All VMs of the account',
    changesState: false,
    document: listOf(ITEM),
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
    path: '/vms/secrets',
    methods: ['GET'],
    summary: 'The secrets of all VMs, by VM and key',
    changesState: false,
    document: listOf('id secrets { key value }'),
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
    reply: (_data, { body }) => ({ message: 'Secret added successfully', vmid: text(body['vmid']), key: text(body['key']) }),
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
    document: listOf('id networking { name internalPort }'),
    variables: () => ({}),
    status: 200,
    reply: ({ nodes }) => ({
      networking: byVm(nodes, (vm) =>
        vm.networking.map(({ name, internalPort }) => [name, { subdomain: name, internal_port: internalPort }] as const),
      ),
    }),
  },
  {
    path: '/vms/networking',
    methods: ['POST'],
    summary: 'Add a subdomain mapping',
    changesState: true,
    document: 'mutation ($input: AddSubdomainInput!) { addSubdomain(input: $input) { subdomain internalPort } }',
    variables: ({ body: { vmid, name, internal_port } }) => ({ input: { vmId: vmid, name, internalPort: internal_port } }),
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

/** The value at a path of objects; undefined where the path leads nowhere, so that GraphQL says what is missing. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as JsonObject)[key];
  }
  return current;
}
