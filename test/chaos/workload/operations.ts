import type { ExpectedVm } from '../checks/expected-vm.ts';
import type { Random } from './random.ts';

/** One command of a user. */
export type Operation =
  | { readonly kind: 'create'; readonly label: string; readonly persistent: boolean }
  | { readonly kind: 'start' | 'stop' | 'restart' | 'delete'; readonly vmId: string }
  | { readonly kind: 'rename'; readonly vmId: string; readonly label: string }
  | { readonly kind: 'setSecret'; readonly vmId: string; readonly key: string; readonly value: string }
  | { readonly kind: 'deleteSecret'; readonly vmId: string; readonly key: string }
  | { readonly kind: 'addSubdomain'; readonly vmId: string; readonly name: string; readonly port: number }
  | { readonly kind: 'removeSubdomain'; readonly vmId: string; readonly name: string };

/** Of all operations on a VM, how many are of which kind. */
const WEIGHTS: Readonly<Record<Exclude<Operation['kind'], 'create'>, number>> = {
  start: 26,
  stop: 14,
  restart: 10,
  delete: 4,
  rename: 12,
  setSecret: 12,
  deleteSecret: 4,
  addSubdomain: 8,
  removeSubdomain: 4,
};
/** Of all operations, how many are creations while there may be more VMs. */
const CREATIONS = 0.1;

type OnVm = keyof typeof WEIGHTS;

/** Those that need no other container. */
const GENTLE: readonly OnVm[] = ['rename', 'addSubdomain', 'removeSubdomain'];

/**
 * An operation on one of the VMs, or a creation while there are fewer than `most`; undefined when there is nothing to
 * do.
 */
export function chooseOperation(random: Random, vms: readonly ExpectedVm[], most: number): Operation | undefined {
  const mark = random.next().toString(36).slice(2, 10);
  const create: Operation = { kind: 'create', label: `vm ${mark}`, persistent: random.next() < 0.5 };
  if (vms.length < most && (random.next() < CREATIONS || vms.every(({ isBystander }) => isBystander))) return create;
  if (vms.length === 0) return undefined;
  const vm = random.pick(vms);
  const kinds = vm.isBystander ? GENTLE : (Object.keys(WEIGHTS) as OnVm[]);
  const kind = random.pick(kinds.flatMap((each) => Array<OnVm>(WEIGHTS[each]).fill(each)));
  const vmId = vm.id;
  switch (kind) {
    case 'start':
    case 'stop':
    case 'restart':
    case 'delete':
      return { kind, vmId };
    case 'rename':
      return { kind, vmId, label: `vm ${mark}` };
    case 'setSecret':
      return { kind, vmId, key: `KEY_${random.below(4)}`, value: mark };
    case 'addSubdomain':
      return { kind, vmId, name: `n${mark}`, port: 1 + random.below(60_000) };
    case 'deleteSecret': {
      const [key] = [...vm.secrets].find(([, { value }]) => value !== undefined) ?? [];
      return key === undefined ? { kind: 'rename', vmId, label: `vm ${mark}` } : { kind, vmId, key };
    }
    case 'removeSubdomain': {
      const [name] = [...vm.names].find(([, { value }]) => value !== undefined) ?? [];
      return name === undefined ? { kind: 'rename', vmId, label: `vm ${mark}` } : { kind, vmId, name };
    }
  }
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

const PASSWORD = 'chaos password';

/** The operation over GraphQL. */
export function toGraphql(operation: Operation): ApiRequest {
  const mutate = (field: string, type: string, input: object, selection: string): ApiRequest =>
    graphqlRequest(`mutation ($input: ${type}!) { ${field}(input: $input) { ${selection} } }`, { input });
  const { kind } = operation;
  switch (kind) {
    case 'create': {
      const storageType = operation.persistent ? 'PERSISTENT' : 'EPHEMERAL';
      const specs = { region: 'AU', distribution: 'ubuntu', desktop: 'xfce', cpu: 1, ram: 1, password: PASSWORD };
      return mutate('createVm', 'CreateVmInput', { ...specs, storageType, vmlabel: operation.label }, 'id');
    }
    case 'start':
    case 'stop':
    case 'restart':
      return graphqlRequest(`mutation ($id: ID!) { ${kind}Vm(id: $id) { id } }`, { id: operation.vmId });
    case 'delete':
      return graphqlRequest('mutation ($id: ID!) { deleteVm(id: $id) }', { id: operation.vmId });
    case 'rename':
      return mutate('updateVm', 'UpdateVmInput', { id: operation.vmId, vmlabel: operation.label }, 'id');
    case 'setSecret': {
      const { vmId, key, value } = operation;
      return mutate('setSecret', 'SetSecretInput', { vmId, key, value }, 'key');
    }
    case 'deleteSecret': {
      const { vmId, key } = operation;
      return graphqlRequest('mutation ($vmId: ID!, $key: String!) { deleteSecret(vmId: $vmId, key: $key) { id } }', {
        vmId,
        key,
      });
    }
    case 'addSubdomain': {
      const { vmId, name, port } = operation;
      return mutate('addSubdomain', 'AddSubdomainInput', { vmId, name, internalPort: port }, 'name');
    }
    case 'removeSubdomain': {
      const { vmId, name } = operation;
      return graphqlRequest(
        'mutation ($vmId: ID!, $name: String!) { removeSubdomain(vmId: $vmId, name: $name) { id } }',
        { vmId, name },
      );
    }
  }
}

/** The operation over REST, or over GraphQL where REST has no route for it. */
export function toRest(operation: Operation): ApiRequest {
  switch (operation.kind) {
    case 'create': {
      const storageType = operation.persistent ? 'persistent' : 'ephemeral';
      const config = { vmlabel: operation.label, region: { code: 'AU' }, password: PASSWORD, storageType };
      const os = { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 1, ram: 1 };
      return { method: 'POST', path: '/vms/create', body: { config, os } };
    }
    case 'start':
    case 'stop':
      return { method: 'POST', path: `/vms/${operation.kind}/${operation.vmId}` };
    case 'delete':
      return { method: 'DELETE', path: `/vms/delete/${operation.vmId}` };
    case 'setSecret': {
      const { vmId: vmid, key, value } = operation;
      return { method: 'POST', path: '/vms/secrets', body: { vmid, key, value } };
    }
    case 'deleteSecret':
      return { method: 'DELETE', path: `/vms/secrets/${operation.vmId}/${operation.key}` };
    case 'addSubdomain': {
      const { vmId: vmid, name, port } = operation;
      return { method: 'POST', path: '/vms/networking', body: { vmid, name, internal_port: port } };
    }
    case 'removeSubdomain':
      return { method: 'DELETE', path: `/vms/networking/${operation.vmId}/${operation.name}` };
    case 'restart':
    case 'rename':
      return toGraphql(operation);
  }
}

export function graphqlRequest(query: string, variables: object = {}): ApiRequest {
  return { method: 'POST', path: '/graphql', body: { query, variables } };
}
