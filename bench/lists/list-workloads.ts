import type { ListAccount } from './list-accounts.ts';

export type ServerName = 'gateway' | 'floor' | 'mercurius' | 'apollo' | 'fastify';

/** What is asked of each server that can do it. */
export interface Workload {
  readonly name: string;
  readonly requests: Readonly<Partial<Record<ServerName, (account: ListAccount, index: number) => Buffer>>>;
  /** Ratios to the floor. */
  readonly goals: { readonly throughput: number; readonly cpu?: number };
}

const VM = 'id vmlabel region os { distribution desktop } specs { cpu ram storage } enabled';
const MAPPINGS = 'networking { name internalPort }';
const LIST = `{ vms { nodes { ${VM} ${MAPPINGS} } } }`;
const CONNECTION = `
  query Connection { vms { ...Page } }
  fragment Page on VmConnection { edges { cursor node { ...Item } } pageInfo { hasNextPage endCursor } totalCount }
  fragment Item on Vm { ${VM} ${MAPPINGS} }
`;
const UPDATE = 'mutation ($input: UpdateVmInput!) { updateVm(input: $input) { id vmlabel } }';

const list = post('/graphql', () => ({ query: LIST }));

export const LIST_WORKLOADS: readonly Workload[] = [
  {
    name: 'GraphQL list',
    requests: { gateway: list, floor: post('/list', () => ({ query: LIST })), mercurius: list, apollo: list },
    goals: { throughput: 0.85, cpu: 1.7 },
  },
  {
    name: 'GraphQL connection',
    requests: {
      gateway: post('/graphql', () => ({ query: CONNECTION })),
      floor: post('/connection', () => ({ query: CONNECTION })),
    },
    goals: { throughput: 0.6 },
  },
  {
    name: 'GET /vms',
    requests: { gateway: get('/vms'), floor: get('/vms'), fastify: get('/vms') },
    goals: { throughput: 0.9 },
  },
  {
    name: 'updateVm',
    requests: { gateway: post('/graphql', updateOf), floor: post('/update', updateOf) },
    goals: { throughput: 0.7 },
  },
];

function updateOf({ vmId }: ListAccount, index: number): object {
  return { query: UPDATE, variables: { input: { id: vmId, vmlabel: `label ${index}` } } };
}

function get(path: string): (account: ListAccount) => Buffer {
  return ({ token }) => Buffer.from(headOf(`GET ${path}`, token, ''));
}

function post(
  path: string,
  bodyOf: (account: ListAccount, index: number) => object,
): (account: ListAccount, index: number) => Buffer {
  return (account, index) => {
    const body = JSON.stringify(bodyOf(account, index));
    const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    return Buffer.from(`${headOf(`POST ${path}`, account.token, fields)}${body}`);
  };
}

function headOf(line: string, token: string, fields: string): string {
  return `${line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n${fields}\r\n`;
}
