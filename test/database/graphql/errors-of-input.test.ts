import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';

const gateway = useApi();
let token: string;
beforeAll(async () => {
  token = await gateway.token('careless');
});

interface Problem {
  readonly path: string;
  readonly message: string;
}
interface Failure {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly fields?: readonly Problem[] };
}

async function failureOf(query: string, variables: Record<string, unknown> = {}): Promise<Failure> {
  const { errors } = (await (await gateway.post(token, query, variables)).json()) as { errors?: readonly Failure[] };
  const [first] = errors ?? [];
  if (first === undefined) throw new Error(`It was accepted: ${query}`);
  return first;
}
const rest = (method: string, path: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(gateway.url + path, { method, body, headers: { authorization: `Bearer ${token}`, 'content-type': type } });

const CREATE = 'mutation ($vm: CreateVmInput!) { createVm(input: $vm) { id } }';
const SECRET = 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }';
const INPUT = { vmlabel: 'a', region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 };
const WHOLE = 'must be a whole number of at most 32 bits.';

describe('an error of input names the path and what is expected there', () => {
  it.each<[string, string, Record<string, unknown>, Problem[]]>([
    ['a variable that is missing', CREATE, {}, [{ path: 'vm', message: 'is required.' }]],
    [
      'a field that is missing',
      CREATE,
      { vm: { ...INPUT, cpu: undefined } },
      [{ path: 'vm.cpu', message: 'is required.' }],
    ],
    [
      'a field that is null',
      CREATE,
      { vm: { ...INPUT, region: null } },
      [{ path: 'vm.region', message: 'is required.' }],
    ],
    [
      'all of them at once',
      CREATE,
      { vm: { ...INPUT, cpu: 'x', password: {}, storageType: 'NONE' } },
      [
        { path: 'vm.password', message: 'must be a string.' },
        { path: 'vm.storageType', message: 'must be one of EPHEMERAL, PERSISTENT.' },
        { path: 'vm.cpu', message: WHOLE },
      ],
    ],
    ['no object', CREATE, { vm: 'x' }, [{ path: 'vm', message: 'must be an object.' }]],
    [
      'a strange field',
      SECRET,
      { input: { vmId: 'a', key: 'A', value: 'b', valeu: 'c' } },
      [{ path: 'input.valeu', message: 'is not a field of SetSecretInput.' }],
    ],
    [
      'a strange field that is no name',
      SECRET,
      { input: { vmId: 'a', key: 'A', value: 'b', 'c d': 1 } },
      [{ path: 'input', message: 'has a field that SetSecretInput does not have.' }],
    ],
    [
      'an item of a list',
      'query ($s: [VmStatus!]) { vms(filter: { status: $s }) { totalCount } }',
      { s: ['RUNNING', 7] },
      [{ path: 's.1', message: expect.stringMatching(/^must be one of .*RUNNING/) as never }],
    ],
    [
      'a field of a literal',
      'mutation { setSecret(input: { vmId: "a", key: "A" }) { key } }',
      {},
      [{ path: 'input.value', message: 'is required.' }],
    ],
    ['a literal', '{ vms(first: "x") { totalCount } }', {}, [{ path: 'first', message: WHOLE }]],
    ['a default', 'query ($n: Int = "x") { vms(first: $n) { totalCount } }', {}, [{ path: 'n', message: WHOLE }]],
    [
      'what a command refuses',
      CREATE,
      { vm: { ...INPUT, region: 'XX' } },
      [{ path: 'input.region', message: 'must be a region; there are AU, US.' }],
    ],
    [
      'a syntax error',
      '{ vms(first: 1 { totalCount } }',
      {},
      [{ path: 'query', message: 'is not GraphQL: syntax error at line 1, column 16.' }],
    ],
    [
      'what is too long',
      `{ ${'__typename '.repeat(2_500)} }`,
      {},
      [{ path: 'query', message: 'has more than 2000 tokens.' }],
    ],
  ])('%s', async (_what, query, variables, problems) => {
    const { message, extensions } = await failureOf(query, variables);
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(extensions.fields?.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual(
      problems.toSorted((a, b) => a.path.localeCompare(b.path)),
    );
    for (const { path } of problems) expect(message).toContain(`${path}: `);
  });

  it.each([
    [
      '/vms/create',
      {
        config: { vmlabel: 'a', region: { code: 'AU' }, password: 'x' },
        os: { distribution: { code: 'krita' }, ram: 1 },
      },
      'os.cpu',
    ],
    [
      '/vms/create',
      { config: { region: { code: 'AU' }, password: 'x' }, os: { distribution: { code: 'krita' }, ram: 1, cpu: 1 } },
      'config.vmlabel',
    ],
    ['/vms/secrets', { vmid: '1', key: 'A' }, 'value'],
    ['/vms/secrets', { key: 'A', value: 'b' }, 'vmid'],
    ['/vms/networking', { vmid: '1', name: 'a' }, 'internal_port'],
  ])('over REST, it names the REST path %s', async (path, body, missing) => {
    const answer = (await (await rest('POST', path, JSON.stringify(body))).json()) as Record<string, unknown>;
    expect(answer).toEqual({
      error: `${missing}: is required.`,
      code: 'BAD_USER_INPUT',
      fields: [{ path: missing, message: 'is required.' }],
    });
  });
});
