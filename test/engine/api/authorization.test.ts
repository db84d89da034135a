import { getNamedType, isObjectType, isIntrospectionType, type GraphQLField, type GraphQLObjectType } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../../src/auth/jwt.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';
import {
  DISTRIBUTION,
  KEY,
  NAME,
  OPEN_PATHS,
  OPERATION_RULES,
  PORT,
  ROUTE_NAMES,
  ROUTE_RULES,
  TYPE_RULES,
} from '../../support/api/access-rules.ts';
import { JWT_SECRET } from '../../support/gateway/tokens.ts';
import { readUntil } from '../../support/read-until.ts';
import { selectAll } from '../../support/api/select-all.ts';
import { createVm } from '../../support/vm/vms.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

/**
 * Who may what, for everything that there is: the cases are made from the schema and the table of routes, what is
 * expected of them comes from test/support/api/access-rules.ts.
 */
const ROOTS = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(
  (type) => type != null,
);
const OPERATIONS = ROOTS.flatMap((root) =>
  Object.values(root.getFields()).map((field) => [`${root.name}.${field.name}`, root, field] as const),
);
/** In everything that the owner has, and in nothing that anybody else may see. */
const CANARY = 'canary-5f1c';
const NOBODYS = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const OWNER = `${CANARY}-owner`;

// Nothing is brought up here: what is wanted of a VM is enough.
const OPEN = { code: DISTRIBUTION, image: 'swiftor-test/none:1', defaultPort: 3000, portForwarding: true };
const gateway = useGateway({ env: { ROLES: 'api', FORWARD_PORTS: '20000-29999' }, distributions: [OPEN] });
let stranger: string;
let operator: string;
let deleted: Owned;
let strangers: Readonly<Record<string, string | undefined>>;
beforeAll(async () => {
  stranger = await gateway.token('stranger');
  operator = await gateway.token('operator', { role: 'operator' });
  deleted = await newVm();
  await gateway.rest(deleted.owner, 'DELETE', `/vms/delete/${deleted.id}`);
  const claims = { userId: OWNER, ttlSeconds: 600 };
  strangers = {
    'no token': undefined,
    'an expired token': await gateway.token(OWNER, { ttlSeconds: -60 }),
    'a token for another audience': await signToken(claims, { secret: JWT_SECRET, audience: 'elsewhere' }),
    'a token of another key': await signToken(claims, { secret: JWT_SECRET.toUpperCase(), audience: 'authenticated' }),
    'no token at all': 'x',
  };
}, 60_000);

interface Owned {
  readonly id: string;
  /** A token of its owner, who has no other VM. */
  readonly owner: string;
}

let owners = 0;

/** A VM with everything that a VM can have, each with the canary in it, and its owner. */
async function newVm(): Promise<Owned> {
  owners += 1;
  const owner = await gateway.token(`${OWNER}-${owners}`);
  const input = {
    vmlabel: `${CANARY}-label`,
    password: `${CANARY}-password`,
    storageType: 'PERSISTENT',
    distribution: DISTRIBUTION,
    desktop: null,
  };
  const id = await createVm(gateway, owner, input);
  const { errors } = await gateway.graphql(
    owner,
    `mutation ($s: SetSecretInput!, $m: AddSubdomainInput!, $p: AddPortInput!) {
      setSecret(input: $s) { key } addSubdomain(input: $m) { name } addPort(input: $p) { publicPort }
    }`,
    {
      s: { vmId: id, key: KEY, value: `${CANARY}-secret` },
      m: { vmId: id, name: NAME, internalPort: 8080 },
      p: { vmId: id, ...PORT },
    },
  );
  expect(errors).toBeUndefined();
  return { id, owner };
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/**
 * Runs an operation with everything selected, as `token`; of a subscription the first that it says, or nothing where it
 * says nothing.
 */
async function run(
  token: string | undefined,
  root: GraphQLObjectType,
  field: Field,
  args: Readonly<Record<string, unknown>>,
): Promise<Reply> {
  const { query } = selectAll(root, field, Object.keys(args));
  const isStream = root === schema.getSubscriptionType();
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: isStream ? 'text/event-stream' : 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables: args }),
  });
  if (!isStream || !response.ok) return { status: response.status, text: await response.text() };
  // Logs and statistics of a VM that is off have no event.
  const text = await readUntil(response, (seen) => seen.includes('event: ') || field.name !== 'vmEvents');
  return { status: response.status, text };
}
type Field = GraphQLField<unknown, unknown>;

describe('the access rules of operations', () => {
  const advice = 'Say in test/support/api/access-rules.ts who may use it, in OPERATION_RULES.';
  it.each(OPERATIONS)('contain %s', (name) =>
    expect(OPERATION_RULES[name], `${name} has no rule. ${advice}`).toBeDefined(),
  );
  it('contain nothing else', () => {
    expect(Object.keys(OPERATION_RULES).filter((name) => !OPERATIONS.some(([each]) => each === name))).toEqual([]);
  });
});

describe('the access rules of types', () => {
  const roots = new Set<string>(ROOTS.map(({ name }) => name));
  const types = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => !isIntrospectionType(type) && !roots.has(type.name));
  const asked = new Set(
    OPERATIONS.flatMap(([, root, field]) => [
      ...selectAll(
        root,
        field,
        field.args.map(({ name }) => name),
      ).coordinates,
    ]),
  );
  it.each(types.map((type) => [type.name, type] as const))(
    'contain %s, and the tests select each of its fields',
    (name, type) => {
      expect(
        TYPE_RULES[name],
        `${name} has no rule. Say in test/support/api/access-rules.ts whose data it holds, in TYPE_RULES.`,
      ).toBeDefined();
      const fields = Object.values(type.getFields()).map((field) => `${name}.${field.name}`);
      expect(fields.filter((field) => !asked.has(field))).toEqual([]);
    },
  );
  it('contain nothing else', () => {
    expect(Object.keys(TYPE_RULES).filter((name) => !types.some((type) => type.name === name))).toEqual([]);
  });
  it('lead from no type of the catalog to one of an account', () => {
    const leaks = types
      .filter(({ name }) => TYPE_RULES[name] === 'catalog')
      .flatMap((type) =>
        Object.values(type.getFields()).map(
          (field) => [`${type.name}.${field.name}`, String(field.type).replaceAll(/[[\]!]/g, '')] as const,
        ),
      )
      .filter(([, to]) => TYPE_RULES[to] === 'account');
    expect(leaks).toEqual([]);
  });
  it('lead to one of operators only from another, and from the root fields that check the role', () => {
    const leaks = types
      .filter(({ name }) => TYPE_RULES[name] !== 'operator')
      .flatMap((type) =>
        Object.values(type.getFields()).map(
          (field) => [`${type.name}.${field.name}`, getNamedType(field.type).name] as const,
        ),
      )
      .filter(([, to]) => TYPE_RULES[to] === 'operator');
    expect(leaks).toEqual([]);
  });
});

describe('the access rules of routes', () => {
  const advice = 'Say in test/support/api/access-rules.ts what it speaks of, in ROUTE_RULES.';
  it.each(ROUTE_NAMES)('contain %s', (name) =>
    expect(ROUTE_RULES[name], `${name} has no rule. ${advice}`).toBeDefined(),
  );
  it('contain nothing else', () =>
    expect(Object.keys(ROUTE_RULES).filter((name) => !ROUTE_NAMES.includes(name))).toEqual([]));
});

describe('GraphQL', () => {
  const argsOf = (name: string, vmId: string): Readonly<Record<string, unknown>> => {
    const rule = OPERATION_RULES[name];
    return (rule?.of === 'vm' || rule?.of === 'operator' ? rule.args?.(vmId) : rule?.args) ?? {};
  };

  it.each(OPERATIONS)('%s is refused without a valid token', async (name, root, field) => {
    const { id, owner } = await newVm();
    for (const [who, token] of Object.entries(strangers)) {
      const reply = await run(token, root, field, argsOf(name, id));
      expect([who, reply.status]).toEqual([who, 401]);
      expect(JSON.parse(reply.text)).toEqual({
        errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }],
      });
    }
    expect((await gateway.rest(owner, 'GET', `/vms/${id}`)).status, 'the VM is still there').toBe(200);
  });

  it.each(OPERATIONS)('%s works for the owner', async (name, root, field) => {
    const rule = OPERATION_RULES[name];
    const own = await newVm();
    const { status, text } = await run(own.owner, root, field, argsOf(name, own.id));
    if (rule?.of === 'operator') {
      expect([status, text]).toEqual([200, expect.stringContaining('"code":"FORBIDDEN"')]);
      const answer = await run(operator, root, field, argsOf(name, own.id));
      if (rule.fails === undefined)
        expect([answer.status, answer.text]).toEqual([200, expect.not.stringContaining('"errors"')]);
      else expect([answer.status, answer.text]).toEqual([200, expect.stringContaining(`"code":"${rule.fails}"`)]);
      // Operators learn whose VM it is and how it is, and nothing that is in it.
      expect(answer.text).not.toContain(`${CANARY}-secret`);
      expect(answer.text).not.toContain(`${CANARY}-password`);
      return;
    }
    if ((rule?.of === 'account' || rule?.of === 'vm') && rule.fails !== undefined) {
      expect([status, text]).toEqual([200, expect.stringContaining(`"code":"${rule.fails}"`)]);
      return;
    }
    expect([status, text.includes('"errors"') ? text : '']).toEqual([200, '']);
    // Where an account's data are asked for, they come: a matrix of empty answers would prove nothing.
    if (rule?.of === 'vm' && name.startsWith('Query.')) expect(text).toContain(`${CANARY}-secret`);
    if (rule?.of === 'account' && !name.startsWith('Mutation.')) expect(text).toContain(CANARY);
  });

  it.each(OPERATIONS)("%s neither reveals nor changes another account's data", async (name, root, field) => {
    const { id, owner } = await newVm();
    const rule = OPERATION_RULES[name];
    const before = await (await gateway.rest(owner, 'GET', `/vms/${id}`)).text();
    const foreign = await run(stranger, root, field, argsOf(name, id));
    expect(foreign.text).not.toContain(CANARY);
    if (rule?.of === 'vm') {
      for (const other of [NOBODYS, deleted.id, 'no-uuid']) {
        expect([other, await run(stranger, root, field, argsOf(name, other))]).toEqual([other, foreign]);
      }
      if (rule.others === 'NOT_FOUND') expect(foreign.text).toContain('"code":"NOT_FOUND"');
      else expect(JSON.parse(foreign.text)).toEqual({ data: { [field.name]: rule.others } });
    } else if (rule?.of === 'operator') {
      expect(foreign.text).toContain('"code":"FORBIDDEN"');
      expect([name, await run(stranger, root, field, argsOf(name, NOBODYS))]).toEqual([name, foreign]);
    } else if (rule?.of === 'catalog') {
      expect(foreign).toEqual(await run(owner, root, field, argsOf(name, id)));
    }
    expect(await (await gateway.rest(owner, 'GET', `/vms/${id}`)).text()).toBe(before);
  });

  it.each(OPERATIONS.filter(([name]) => OPERATION_RULES[name]?.of === 'vm'))(
    '%s cannot enable a VM that its owner has deleted',
    async (name, root, field) => {
      const gone = await run(deleted.owner, root, field, argsOf(name, deleted.id));
      // Without a reconciler it is being deleted for ever: whatever may still be asked, nothing turns it on again.
      expect(gone.status).toBe(200);
      const { data } = await gateway.graphql<{ vm: { enabled: boolean; status: string } | null }>(
        deleted.owner,
        'query ($id: ID!) { vm(id: $id) { enabled status } }',
        { id: deleted.id },
      );
      expect(data?.vm === null || data?.vm.enabled === false).toBe(true);
    },
  );
});

describe('REST', () => {
  const ROUTES = ROUTE_NAMES.map((name) => [name, ...name.split(' ')] as const);
  const ask = async (token: string | undefined, name: string, vmId: string): Promise<Reply> => {
    const [method = '', path = ''] = name.split(' ');
    const parts: Record<string, string> = { vmid: vmId, key: KEY, name: NAME, protocol: 'tcp', internal_port: '7777' };
    const target = path.replaceAll(/:(\w+)/g, (_all, part: string) => parts[part] ?? '');
    const body = ROUTE_RULES[name]?.body?.(vmId);
    const response = await gateway.rest(token, method, target, body === undefined ? {} : { body });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const isEmpty = path.startsWith('/vms/logs') || path.startsWith('/vms/stats') || token === stranger;
    const text = isStream
      ? await readUntil(response, (seen) => seen.includes('data: ') || isEmpty)
      : await response.text();
    return { status: response.status, text };
  };

  it.each(ROUTES)('%s is refused without a valid token', async (name) => {
    const { id, owner } = await newVm();
    for (const [who, token] of Object.entries(strangers)) {
      const { status, text } = await ask(token, name, id);
      expect([who, status, JSON.parse(text)]).toEqual([
        who,
        401,
        { error: expect.any(String), code: 'UNAUTHENTICATED' },
      ]);
    }
    expect((await gateway.rest(owner, 'GET', `/vms/${id}`)).status, 'the VM is still there').toBe(200);
  });

  it.each(ROUTES)('%s works for the owner', async (name) => {
    const { id, owner } = await newVm();
    const { status, text } = await ask(owner, name, id);
    const { fails } = ROUTE_RULES[name] ?? {};
    expect([fails === undefined ? status >= 200 && status < 300 : status === fails, text]).toEqual([true, text]);
  });

  it.each(ROUTES)("%s neither reveals nor changes another account's data", async (name) => {
    const { id, owner } = await newVm();
    const before = await (await gateway.rest(owner, 'GET', `/vms/${id}`)).text();
    const foreign = await ask(stranger, name, id);
    expect(foreign.text).not.toContain(CANARY);
    if (ROUTE_RULES[name]?.of === 'vm') {
      expect(foreign.status).toBe(404);
      for (const other of [NOBODYS, deleted.id, 'no-uuid'])
        expect([other, await ask(stranger, name, other)]).toEqual([other, foreign]);
    }
    expect(await (await gateway.rest(owner, 'GET', `/vms/${id}`)).text()).toBe(before);
  });

  it.each(OPEN_PATHS)('%s needs no token and reveals nothing about an account', async (target) => {
    const response = await gateway.rest(undefined, 'GET', target);
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain(CANARY);
  });
});

describe("requests for another account's VM and for none", () => {
  /** How much longer, as a share, the one takes than the other: the medians of so many of each, asked in turn. */
  async function gapOf(first: () => Promise<unknown>, second: () => Promise<unknown>, pairs: number): Promise<number> {
    const times: [number[], number[]] = [[], []];
    const measure = async (into: number[], ask: () => Promise<unknown>): Promise<void> => {
      const begun = performance.now();
      await ask();
      into.push(performance.now() - begun);
    };
    for (let pair = 0; pair < pairs; pair += 1) {
      // Each comes first as often as the other.
      if (pair % 2 === 0) await measure(times[0], first);
      await measure(times[1], second);
      if (pair % 2 !== 0) await measure(times[0], first);
    }
    const [one, other] = times.map((each) => each.toSorted((a, b) => a - b)[Math.floor(each.length / 2)] ?? 0);
    return Math.abs((one ?? 0) / (other ?? 1) - 1);
  }

  it('take the same time, over GraphQL and REST, to read and to change', { timeout: 180_000 }, async () => {
    const { id } = await newVm();
    const asks = [
      (vmId: string) =>
        gateway.graphql(stranger, 'query ($id: ID!) { vm(id: $id) { id secrets { value } } }', { id: vmId }),
      (vmId: string) => gateway.graphql(stranger, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id: vmId }),
      async (vmId: string) => (await gateway.rest(stranger, 'GET', `/vms/${vmId}`)).text(),
      async (vmId: string) => (await gateway.rest(stranger, 'DELETE', `/vms/delete/${vmId}`)).text(),
    ];
    for (const ask of asks) {
      let gap = Number.POSITIVE_INFINITY;
      // Whatever else the machine does falls on one try.
      for (let tries = 0; tries < 5 && gap >= 0.05; tries += 1)
        gap = await gapOf(
          () => ask(id),
          () => ask(NOBODYS),
          500,
        );
      expect(gap).toBeLessThan(0.05);
    }
  });
});
