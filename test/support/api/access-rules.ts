import { ROUTES } from '../../../src/rest/routes/routes.ts';
import { VM_INPUT } from '../vm/vms.ts';

/** What an operation speaks of, and so who may use it how; nobody may anything without a token that holds. */
export type AccessRule =
  /** The same for every account. */
  | { readonly of: 'catalog'; readonly args?: Args }
  /** The caller's own account, whatever it asks for. */
  | { readonly of: 'account'; readonly args?: Args; readonly fails?: 'NOT_FOUND' }
  /** One VM: its owner's. Another account's, a deleted one and none at all are the same: nothing, or NOT_FOUND. */
  | {
      readonly of: 'vm';
      readonly args: (vmId: string) => Args;
      readonly others: null | readonly null[] | 'NOT_FOUND';
      /** What its owner gets too, because the VM is off. */
      readonly fails?: 'CONFLICT';
    }
  /** All accounts: an operator's. To anybody else, the owner of what it speaks of included, it is FORBIDDEN. */
  | { readonly of: 'operator'; readonly args?: (vmId: string) => Args; readonly fails?: 'NOT_FOUND' };

type Args = Readonly<Record<string, unknown>>;

/** What every VM of the matrix has, and so what can be removed from it. */
export const KEY = 'MATRIX_KEY';
export const NAME = 'matrix';
export const PORT = { protocol: 'TCP', internalPort: 7777 } as const;
/** What it runs: a catalog entry that allows whatever a user may ask for. */
export const DISTRIBUTION = 'matrix';

const byId = (vmId: string): Args => ({ id: vmId });
const byVmId = (vmId: string): Args => ({ vmId });

/**
 * Every query, mutation and subscription of the schema, with arguments that make it do something to a VM that has a
 * secret `KEY`, a mapping `NAME` and a forwarded `PORT`. One that is missing here fails
 * test/engine/api/authorization.test.ts: add it with what it speaks of.
 */
export const OPERATION_RULES: Readonly<Record<string, AccessRule>> = {
  'Query.distributions': { of: 'catalog' },
  'Query.regions': { of: 'catalog' },
  'Query.plans': { of: 'catalog' },
  'Query.gateway': { of: 'catalog' },
  'Query.me': { of: 'account' },
  'Query.vms': { of: 'account', args: { first: 5 } },
  'Query.vm': { of: 'vm', args: byId, others: null },
  'Query.node': { of: 'vm', args: byId, others: null },
  'Query.nodes': { of: 'vm', args: (id) => ({ ids: [id] }), others: [null] },
  'Mutation.createVm': { of: 'account', args: { input: VM_INPUT } },
  'Mutation.updateVm': { of: 'vm', args: (id) => ({ input: { id, vmlabel: 'renamed' } }), others: 'NOT_FOUND' },
  'Mutation.startVm': { of: 'vm', args: byId, others: 'NOT_FOUND' },
  'Mutation.stopVm': { of: 'vm', args: byId, others: 'NOT_FOUND' },
  'Mutation.restartVm': { of: 'vm', args: byId, others: 'NOT_FOUND' },
  'Mutation.deleteVm': { of: 'vm', args: byId, others: 'NOT_FOUND' },
  'Mutation.vmExec': {
    of: 'vm',
    args: (vmId) => ({ vmId, command: ['true'] }),
    others: 'NOT_FOUND',
    fails: 'CONFLICT',
  },
  'Mutation.setSecret': {
    of: 'vm',
    args: (vmId) => ({ input: { vmId, key: 'ANOTHER', value: 'x' } }),
    others: 'NOT_FOUND',
  },
  'Mutation.setSecrets': {
    of: 'vm',
    args: (vmId) => ({ input: { vmId, set: [{ key: 'ANOTHER', value: 'x' }], remove: [KEY] } }),
    others: 'NOT_FOUND',
  },
  'Mutation.deleteSecret': { of: 'vm', args: (vmId) => ({ vmId, key: KEY }), others: 'NOT_FOUND' },
  'Mutation.addSubdomain': {
    of: 'vm',
    args: (vmId) => ({ input: { vmId, name: 'another', internalPort: 80 } }),
    others: 'NOT_FOUND',
  },
  'Mutation.removeSubdomain': { of: 'vm', args: (vmId) => ({ vmId, name: NAME }), others: 'NOT_FOUND' },
  'Mutation.addPort': {
    of: 'vm',
    args: (vmId) => ({ input: { vmId, protocol: 'UDP', internalPort: 80 } }),
    others: 'NOT_FOUND',
  },
  'Mutation.removePort': { of: 'vm', args: (vmId) => ({ vmId, ...PORT }), others: 'NOT_FOUND' },
  'Mutation.createOpenLink': { of: 'vm', args: byVmId, others: 'NOT_FOUND' },
  'Mutation.openVm': { of: 'vm', args: byVmId, others: 'NOT_FOUND' },
  'Mutation.shareVm': { of: 'vm', args: (vmId) => ({ vmId, role: 'CONTROL', for: '1h' }), others: 'NOT_FOUND' },
  'Mutation.endAccess': { of: 'vm', args: byVmId, others: 'NOT_FOUND' },
  // One that nobody has: test/database/api/api-tokens.test.ts revokes an owner's and a stranger's.
  'Mutation.revokeApiToken': {
    of: 'account',
    args: { id: '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f' },
    fails: 'NOT_FOUND',
  },
  'Mutation.createApiToken': { of: 'account', args: { input: { name: 'matrix', scope: 'READ' } } },
  'Query.operator': { of: 'operator' },
  'Mutation.stopVmOfUser': { of: 'operator', args: (id) => ({ id, reason: 'maintenance' }) },
  'Mutation.deleteVmOfUser': { of: 'operator', args: (id) => ({ id, reason: 'abuse' }) },
  'Mutation.setAccountPlan': { of: 'operator', args: () => ({ userId: 'matrix-user', plan: 'core' }) },
  'Mutation.suspendAccount': { of: 'operator', args: () => ({ userId: 'matrix-user', reason: 'abuse' }) },
  'Mutation.resumeAccount': { of: 'operator', args: () => ({ userId: 'matrix-user' }) },
  // Of a region where the matrix has no VM.
  'Mutation.drainRegion': { of: 'operator', args: () => ({ region: 'US', reason: 'maintenance' }) },
  'Mutation.resumeRegion': { of: 'operator', args: () => ({ region: 'US' }) },
  // No engine has anything of a VM that was never started.
  'Mutation.adoptOrphan': { of: 'operator', args: (id) => ({ input: { id } }), fails: 'NOT_FOUND' },
  'Mutation.removeOrphan': { of: 'operator', args: byId, fails: 'NOT_FOUND' },
  'Subscription.vmEvents': { of: 'vm', args: byVmId, others: 'NOT_FOUND' },
  'Subscription.vmLogs': { of: 'vm', args: byVmId, others: 'NOT_FOUND' },
  'Subscription.vmStats': { of: 'vm', args: byVmId, others: 'NOT_FOUND' },
};

/**
 * Whose data each object type holds. One that is missing here fails test/engine/api/authorization.test.ts: say whether
 * it is the catalog's, which anyone with a token may read, an operator's, or an account's, which must not show in
 * anybody else's answer, by whatever path it is reached.
 */
export const TYPE_RULES: Readonly<Record<string, 'catalog' | 'account' | 'operator'>> = {
  Account: 'account',
  ApiToken: 'account',
  AuditConnection: 'account',
  AuditDetail: 'account',
  AuditEdge: 'account',
  AuditEntry: 'account',
  Distribution: 'catalog',
  DrainedRegion: 'operator',
  DistributionImage: 'catalog',
  Gateway: 'catalog',
  LogLine: 'account',
  OpenAccess: 'account',
  OpenLink: 'account',
  NewApiToken: 'account',
  OperatedAccount: 'operator',
  OperatedAccountConnection: 'operator',
  OperatedVm: 'operator',
  OperatedVmConnection: 'operator',
  Operator: 'operator',
  Orphan: 'operator',
  Orphans: 'operator',
  PageInfo: 'account',
  Plan: 'catalog',
  PortForward: 'account',
  PortRange: 'catalog',
  QuotaViolation: 'account',
  Region: 'catalog',
  SubdomainMapping: 'account',
  Suspension: 'account',
  Usage: 'account',
  Vm: 'account',
  SignInHint: 'catalog',
  StartProblem: 'account',
  VmImage: 'account',
  VmBoot: 'account',
  VmBootStep: 'account',
  VmConnection: 'account',
  VmEdge: 'account',
  VmExecResult: 'account',
  VmEvent: 'account',
  VmEventConnection: 'account',
  VmEventEdge: 'account',
  VmFailure: 'account',
  VmOs: 'account',
  VmProgress: 'account',
  VmSecret: 'account',
  VmSize: 'catalog',
  VmSpecs: 'account',
  VmStats: 'account',
};

/** A route of the REST API with one of its methods: what it speaks of, and the body that makes it do something. */
export type RouteRule = {
  readonly of: 'account' | 'vm';
  readonly body?: (vmId: string) => object;
  /** What its owner gets too, because the VM is off. */
  readonly fails?: 409;
};

const CREATE_BODY = {
  config: { vmlabel: VM_INPUT.vmlabel, region: { code: VM_INPUT.region }, password: VM_INPUT.password },
  os: {
    distribution: { code: VM_INPUT.distribution },
    desktop: VM_INPUT.desktop,
    cpu: VM_INPUT.cpu,
    ram: VM_INPUT.ram,
  },
};

/** As OPERATION_RULES, for each method of each row of src/rest/routes.ts. */
export const ROUTE_RULES: Readonly<Record<string, RouteRule>> = {
  'GET /vms': { of: 'account' },
  'POST /vms/create': { of: 'account', body: () => CREATE_BODY },
  'GET /vms/start/:vmid': { of: 'vm' },
  'POST /vms/start/:vmid': { of: 'vm' },
  'GET /vms/stop/:vmid': { of: 'vm' },
  'POST /vms/stop/:vmid': { of: 'vm' },
  'GET /vms/delete/:vmid': { of: 'vm' },
  'DELETE /vms/delete/:vmid': { of: 'vm' },
  'POST /vms/exec/:vmid': { of: 'vm', body: () => ({ command: ['true'] }), fails: 409 },
  'GET /vms/secrets': { of: 'account' },
  'POST /vms/secrets': { of: 'vm', body: (vmid) => ({ vmid, key: 'ANOTHER', value: 'x' }) },
  'DELETE /vms/secrets/:vmid/:key': { of: 'vm' },
  'GET /vms/networking': { of: 'account' },
  'POST /vms/networking': { of: 'vm', body: (vmid) => ({ vmid, name: 'another', internal_port: 80 }) },
  'DELETE /vms/networking/:vmid/:name': { of: 'vm' },
  'GET /vms/ports': { of: 'account' },
  'POST /vms/ports': { of: 'vm', body: (vmid) => ({ vmid, protocol: 'udp', internal_port: 80 }) },
  'DELETE /vms/ports/:vmid/:protocol/:internal_port': { of: 'vm' },
  'GET /vms/events': { of: 'account' },
  'GET /vms/events/:vmid': { of: 'vm' },
  'GET /vms/logs/:vmid': { of: 'vm' },
  'GET /vms/stats/:vmid': { of: 'vm' },
  'POST /vms/update/:vmid': { of: 'vm', body: () => ({ config: { vmlabel: 'renamed' } }) },
  'POST /vms/restart/:vmid': { of: 'vm' },
  'POST /vms/open/:vmid': { of: 'vm' },
  'POST /vms/open/:vmid/:name': { of: 'vm' },
  'GET /vms/:vmid': { of: 'vm' },
};

/** What needs no token, because it says nothing of anybody. */
export const OPEN_PATHS = ['/health/live', '/health/ready', '/metrics', '/openapi.json'] as const;

/** Each method of each route, as ROUTE_RULES names it. */
export const ROUTE_NAMES: readonly string[] = ROUTES.flatMap(({ methods, path }) =>
  methods.map((method) => `${method} ${path}`),
);
