import fc, { type Arbitrary } from 'fast-check';
import { schema } from '../../../src/graphql/schema/schema.ts';
import { ROUTES } from '../../../src/rest/routes/routes.ts';
import { valueOf } from './arbitraries.ts';

/** Variables of an operation. */
export type Input = Readonly<Record<string, unknown>>;
interface RestRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** An operation that both APIs have, and how the one's input is written in the other. */
interface Twin {
  /** As its row in src/rest/routes.ts is called. */
  readonly route: string;
  readonly query: string;
  /** The operation's variables. */
  readonly input: Arbitrary<Input>;
  /** Undefined where REST has no way to write it. */
  readonly request: (input: Input) => RestRequest | undefined;
  readonly body?: (input: Input) => unknown;
  /** What GraphQL answers where REST says NOT_FOUND. */
  readonly isNothing?: string;
}

const WORDS = ROUTES.flatMap(({ path }) => {
  const [, , word = ''] = path.split('/');
  return word.startsWith(':') ? [] : [word];
});

/** A part of a path; undefined for what none can be: nothing, or a word that is a path of its own. */
function part(value: unknown): string | undefined {
  if (
    typeof value !== 'string' ||
    value === '' ||
    !value.isWellFormed() ||
    WORDS.includes(value) ||
    value.length > 3_000
  )
    return undefined;
  // The places are filled in later, and hold nothing that needs it.
  return value.startsWith('$') ? value : encodeURIComponent(value);
}

function inPath(route: string, of: (input: Input) => readonly unknown[]): Twin['request'] {
  const [method = '', path = ''] = route.split(' ');
  return (input) => {
    const parts = of(input).map(part);
    if (parts.some((each) => each === undefined)) return undefined;
    let index = 0;
    return { method, path: path.replaceAll(/:\w+/g, () => parts[index++] ?? '') };
  };
}

function variablesOf(kind: 'Query' | 'Mutation', name: string): Arbitrary<Input> {
  const field = schema.getType(kind);
  const args = field !== undefined && 'getFields' in field ? field.getFields()[name] : undefined;
  if (args === undefined || !('args' in args)) throw new Error(`The schema has no ${kind}.${name}.`);
  return fc.record(Object.fromEntries(args.args.map((arg) => [arg.name, valueOf(arg.name, arg.type)])));
}

const at = (input: Input): Input =>
  typeof input['input'] === 'object' && input['input'] !== null ? (input['input'] as Input) : {};
/** Of an input object; where it is none, REST has no word for it. */
function inBody(route: string, body: (input: Input) => unknown): Pick<Twin, 'request' | 'body' | 'route'> {
  const [method = '', path = ''] = route.split(' ');
  const isWhole = ({ input }: Input) => typeof input === 'object' && input !== null && !Array.isArray(input);
  return { route, body, request: (input) => (isWhole(input) ? { method, path, body: body(input) } : undefined) };
}

/** Extra fields are refused by the one and not looked at by the other, and so is a storage type. */
function withoutExtras(input: Arbitrary<Input>, fields: readonly string[]): Arbitrary<Input> {
  return input.map((each) => {
    const given = each['input'];
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return each;
    return { input: Object.fromEntries(Object.entries(given).filter(([name]) => fields.includes(name))) };
  });
}

const byId = (
  route: string,
  name: string,
  kind: 'Query' | 'Mutation' = 'Mutation',
  rest: Partial<Twin> = {},
): Twin => ({
  route,
  query: `${kind.toLowerCase()} ($id: ID!) { ${name}(id: $id) ${name === 'deleteVm' ? '' : '{ id }'} }`,
  input: variablesOf(kind, name),
  request: inPath(route, ({ id }) => [id]),
  ...rest,
});

export const TWINS: readonly Twin[] = [
  byId('GET /vms/:vmid', 'vm', 'Query', { isNothing: '"vm":null' }),
  byId('POST /vms/start/:vmid', 'startVm'),
  byId('POST /vms/stop/:vmid', 'stopVm'),
  byId('POST /vms/restart/:vmid', 'restartVm'),
  {
    route: 'POST /vms/update/:vmid',
    query: 'mutation ($input: UpdateVmInput!) { updateVm(input: $input) { id } }',
    input: withoutExtras(variablesOf('Mutation', 'updateVm'), ['id', 'vmlabel', 'cpu', 'ram']),
    request(input) {
      const { id, vmlabel, cpu, ram } = at(input);
      const body = { config: { vmlabel }, os: { cpu, ram } };
      const request = inPath('POST /vms/update/:vmid', () => [id])(input);
      return request && { ...request, body };
    },
  },
  {
    ...inBody('POST /vms/create', (input) => {
      const { vmlabel, region, password, distribution, desktop, cpu, ram } = at(input);
      return {
        config: { vmlabel, region: { code: region }, password },
        os: { distribution: { code: distribution }, desktop, cpu, ram },
      };
    }),
    query: 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }',
    input: withoutExtras(variablesOf('Mutation', 'createVm'), [
      'vmlabel',
      'region',
      'password',
      'distribution',
      'desktop',
      'cpu',
      'ram',
    ]),
  },
  {
    ...inBody('POST /vms/secrets', (input) => {
      const { vmId, key, value } = at(input);
      return { vmid: vmId, key, value };
    }),
    query: 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }',
    input: withoutExtras(variablesOf('Mutation', 'setSecret'), ['vmId', 'key', 'value']),
  },
  {
    ...inBody('POST /vms/networking', (input) => {
      const { vmId, name, internalPort } = at(input);
      return { vmid: vmId, name, internal_port: internalPort };
    }),
    query: 'mutation ($input: AddSubdomainInput!) { addSubdomain(input: $input) { name } }',
    input: withoutExtras(variablesOf('Mutation', 'addSubdomain'), ['vmId', 'name', 'internalPort']),
  },
  {
    ...inBody('POST /vms/ports', (input) => {
      const { vmId, protocol, internalPort } = at(input);
      return { vmid: vmId, protocol, internal_port: internalPort };
    }),
    query: 'mutation ($input: AddPortInput!) { addPort(input: $input) { publicPort } }',
    input: withoutExtras(variablesOf('Mutation', 'addPort'), ['vmId', 'protocol', 'internalPort']),
  },
  {
    route: 'POST /vms/exec/:vmid',
    query:
      'mutation ($vmId: ID!, $command: [String!]!, $timeoutSeconds: Int) ' +
      '{ vmExec(vmId: $vmId, command: $command, timeoutSeconds: $timeoutSeconds) { exitCode } }',
    input: variablesOf('Mutation', 'vmExec'),
    request: (input) => {
      const { command, timeoutSeconds } = input;
      const request = inPath('POST /vms/exec/:vmid', ({ vmId }) => [vmId])(input);
      return request && { ...request, body: { command, timeout_seconds: timeoutSeconds } };
    },
  },
  {
    route: 'POST /vms/open/:vmid/:name',
    query: 'mutation ($vmId: ID!, $name: String) { openVm(vmId: $vmId, name: $name) { url } }',
    input: variablesOf('Mutation', 'openVm').map(({ vmId, name }) => ({ vmId, name })),
    request: inPath('POST /vms/open/:vmid/:name', ({ vmId, name }) => [vmId, name]),
  },
  {
    route: 'DELETE /vms/secrets/:vmid/:key',
    query: 'mutation ($vmId: ID!, $key: String!) { deleteSecret(vmId: $vmId, key: $key) { id } }',
    input: variablesOf('Mutation', 'deleteSecret'),
    request: inPath('DELETE /vms/secrets/:vmid/:key', ({ vmId, key }) => [vmId, key]),
  },
  {
    route: 'DELETE /vms/networking/:vmid/:name',
    query: 'mutation ($vmId: ID!, $name: String!) { removeSubdomain(vmId: $vmId, name: $name) { id } }',
    input: variablesOf('Mutation', 'removeSubdomain'),
    request: inPath('DELETE /vms/networking/:vmid/:name', ({ vmId, name }) => [vmId, name]),
  },
];
