import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { newAccount, testToken } from '../../support/gateway/tokens.ts';

const api = useApi();
let operator: string;
beforeAll(async () => {
  operator = await testToken('the-operator', { role: 'operator' });
});

/** The data of an operation; fails for one with errors. */
async function ask<T>(token: string, query: string, variables: Record<string, unknown> = {}): Promise<T> {
  const { data, errors } = await api.graphql<T>(token, query, variables);
  expect(errors).toBeUndefined();
  return data as T;
}

/** The code and the message of the first error. */
async function refusalOf(token: string, query: string, variables: Record<string, unknown>): Promise<unknown[]> {
  const { errors } = await api.graphql(token, query, variables);
  return [errors?.[0]?.extensions.code, errors?.[0]?.message];
}

const START = 'mutation ($id: ID!) { startVm(id: $id) { id enabled } }';
const SUSPEND = 'mutation ($user: ID!, $why: String!) { suspendAccount(userId: $user, reason: $why) { enabledVms } }';
const AUDIT = '{ me { audit(first: 5) { nodes { actor action vmId details { name value } } } } }';
interface Audit {
  readonly me: { readonly audit: { readonly nodes: readonly { readonly action: string }[] } };
}

/** A user with a VM. */
async function newOwner(name: string): Promise<{ user: string; token: string; id: string }> {
  const user = newAccount(name);
  const token = await testToken(user);
  return { user, token, id: await api.createVm(token, name) };
}

it('an operator stops and deletes the VM of a user, who reads why', async () => {
  const { token, id } = await newOwner('owner');
  await ask(token, START, { id });
  const stop = 'mutation ($id: ID!) { stopVmOfUser(id: $id, reason: " Maintenance tonight. ") { enabled status } }';
  expect(await ask(operator, stop, { id })).toEqual({ stopVmOfUser: { enabled: false, status: 'STOPPING' } });
  await ask(operator, 'mutation ($id: ID!) { deleteVmOfUser(id: $id, reason: "Abuse.") }', { id });
  const { vm } = await ask<{ vm: unknown }>(
    token,
    'query ($id: ID!) { vm(id: $id) { status events(first: 2) { nodes { status reason note } } } }',
    { id },
  );
  expect(vm).toEqual({
    status: 'DELETING',
    events: {
      nodes: [
        { status: 'DELETING', reason: 'OPERATOR', note: 'Abuse.' },
        { status: 'STOPPING', reason: 'OPERATOR', note: 'Maintenance tonight.' },
      ],
    },
  });
  const { me } = await ask<Audit>(token, AUDIT);
  const details = (reason: string) => [{ name: 'reason', value: reason }];
  expect(me.audit.nodes.slice(0, 2)).toEqual([
    { actor: 'the-operator', action: 'VM_DELETED_BY_OPERATOR', vmId: id, details: details('Abuse.') },
    { actor: 'the-operator', action: 'VM_STOPPED_BY_OPERATOR', vmId: id, details: details('Maintenance tonight.') },
  ]);
});

it.each(['', '   ', 'two\nlines', 'x'.repeat(501)])('the reason %j is refused, and nothing changes', async (why) => {
  const { token, user, id } = await newOwner('reason');
  await ask(token, START, { id });
  expect((await refusalOf(operator, SUSPEND, { user, why }))[0]).toBe('BAD_USER_INPUT');
  expect(await ask(token, 'query ($id: ID!) { vm(id: $id) { enabled } }', { id })).toEqual({ vm: { enabled: true } });
});

it('a suspended account is off, may not start or create, and reads on, until it is resumed', async () => {
  const { user, token, id } = await newOwner('suspended');
  await ask(token, START, { id });
  expect(await ask(operator, SUSPEND, { user, why: 'Unpaid.' })).toEqual({ suspendAccount: { enabledVms: 0 } });
  const refused = ['ACCOUNT_SUSPENDED', 'The operator has suspended this account: Unpaid.'];
  expect(await refusalOf(token, START, { id })).toEqual(refused);
  const create = `mutation { createVm(input: {
    vmlabel: "x", region: "AU", password: "x", distribution: "krita", cpu: 1, ram: 1 }) { id } }`;
  expect(await refusalOf(token, create, {})).toEqual(refused);
  expect((await api.rest(token, 'POST', `/vms/start/${id}`)).status).toBe(403);
  const read = `query ($id: ID!) {
    me { suspension { reason } } vm(id: $id) { enabled status startProblems { code } events(first: 1) { nodes { note } } }
  }`;
  expect(await ask(token, read, { id })).toEqual({
    me: { suspension: { reason: 'Unpaid.' } },
    vm: {
      enabled: false,
      status: 'STOPPING',
      startProblems: expect.arrayContaining([{ code: 'ACCOUNT_SUSPENDED' }]),
      events: { nodes: [{ note: 'Unpaid.' }] },
    },
  });
  await ask(operator, 'mutation ($user: ID!) { resumeAccount(userId: $user) { userId } }', { user });
  await ask(token, START, { id });
  const { me } = await ask<Audit>(token, AUDIT);
  expect(me.audit.nodes.slice(0, 2).map(({ action }) => action)).toEqual(['ACCOUNT_RESUMED', 'ACCOUNT_SUSPENDED']);
});

it('no race of starts and a suspension leaves a VM on', async () => {
  const { user, token, id } = await newOwner('race');
  const rounds = Array.from({ length: 8 }, () => api.graphql(token, START, { id }));
  await Promise.all([...rounds, ask(operator, SUSPEND, { user, why: 'Now.' })]);
  const { vm } = await ask<{ vm: unknown }>(token, 'query ($id: ID!) { vm(id: $id) { enabled } }', { id });
  expect(vm).toEqual({ enabled: false });
});

it("the plan that an operator sets counts before the token's, until it is taken back", async () => {
  const { user, token } = await newOwner('plan');
  const set = 'mutation ($user: ID!, $plan: String) { setAccountPlan(userId: $user, plan: $plan) { operatorPlan } }';
  const planOf = async () => (await ask<{ me: { plan: { code: string } } }>(token, '{ me { plan { code } } }')).me.plan;
  expect(await planOf()).toEqual({ code: 'engineer' });
  await ask(operator, set, { user, plan: 'core' });
  expect(await planOf()).toEqual({ code: 'core' });
  expect((await refusalOf(operator, set, { user, plan: 'none' }))[0]).toBe('BAD_USER_INPUT');
  await ask(operator, set, { user, plan: null });
  expect(await planOf()).toEqual({ code: 'engineer' });
});

it('nothing new starts in a drained region, what is on goes on, and the drain is lifted again', async () => {
  const { token, id } = await newOwner('drained');
  const other = await api.createVm(token, 'other');
  await ask(token, START, { id });
  const drain = 'mutation { drainRegion(region: "AU", reason: "New disks.") { available problem } }';
  const problem = 'Nothing new starts in the region "AU" now: New disks.';
  expect(await ask(operator, drain)).toEqual({ drainRegion: { available: false, problem } });
  try {
    expect(await refusalOf(token, START, { id: other })).toEqual(['REGION_DRAINED', problem]);
    expect((await api.rest(token, 'POST', `/vms/start/${other}`)).status).toBe(409);
    // It is on, and may be restarted.
    await ask(token, START, { id });
    await ask(token, 'mutation ($id: ID!) { restartVm(id: $id) { id } }', { id });
    const found = await ask(operator, '{ operator { drainedRegions { region reason } } }');
    expect(found).toEqual({ operator: { drainedRegions: [{ region: 'AU', reason: 'New disks.' }] } });
  } finally {
    await ask(operator, 'mutation { resumeRegion(region: "AU") { problem } }');
  }
  await ask(token, START, { id: other });
  expect((await refusalOf(operator, 'mutation { resumeRegion(region: "XX") { code } }', {}))[0]).toBe('NOT_FOUND');
});

describe('the lists of an operator', () => {
  it('have the VMs of all accounts page by page, filtered', async () => {
    const first = await newOwner('list');
    const second = await newOwner('list');
    await ask(second.token, START, { id: second.id });
    const list = `query ($filter: OperatedVmFilter, $after: String) { operator {
      vms(first: 1, after: $after, filter: $filter) { nodes { vmId userId enabled } pageInfo { endCursor hasNextPage } } } }`;
    interface Listed {
      readonly operator: {
        readonly vms: {
          readonly nodes: readonly { readonly vmId: string }[];
          readonly pageInfo: { endCursor: string };
        };
      };
    }
    const idsOf = async (filter: object, after?: string) => {
      const { vms } = (await ask<Listed>(operator, list, { filter, after })).operator;
      return { ids: vms.nodes.map(({ vmId }) => vmId), next: vms.pageInfo.endCursor };
    };
    expect((await idsOf({ userId: first.user })).ids).toEqual([first.id]);
    expect((await idsOf({ userId: second.user, enabled: false })).ids).toEqual([]);
    expect((await idsOf({ userId: second.user, status: ['QUEUED'], region: 'AU', search: 'LIS' })).ids).toEqual([
      second.id,
    ]);
    const seen: string[] = [];
    for (let after: string | undefined, ids = ['']; ids.length > 0; seen.push(...ids))
      ({ ids, next: after } = await idsOf({ search: 'list' }, after));
    expect(seen.filter((id) => id === first.id || id === second.id)).toEqual([first.id, second.id]);
  });

  it('have all accounts, with what they use', async () => {
    const { user, token, id } = await newOwner('account');
    await ask(token, START, { id });
    await ask(operator, SUSPEND, { user, why: 'A test.' });
    const list = `query ($filter: OperatedAccountFilter) { operator {
      accounts(filter: $filter) { nodes { userId vms enabledVms cpu suspension { reason } } } } }`;
    const filter = { suspended: true, search: user.toUpperCase() };
    expect(await ask(operator, list, { filter })).toEqual({
      operator: {
        accounts: { nodes: [{ userId: user, vms: 1, enabledVms: 0, cpu: 0, suspension: { reason: 'A test.' } }] },
      },
    });
  });
});

it('only a token with the role may ask, and what it may not ask changes nothing', async () => {
  const { user, token, id } = await newOwner('forbidden');
  const counts = 'select (select count(*) from vm_event) as events, (select count(*) from audit) as audit';
  const before = await executeSql(api.databaseUrl, counts);
  const why = 'No.';
  for (const [query, variables] of [
    ['{ operator { drainedRegions { region } } }', {}],
    [SUSPEND, { user, why }],
    ['mutation ($id: ID!) { stopVmOfUser(id: $id, reason: "x") { vmId } }', { id }],
    ['mutation { drainRegion(region: "AU", reason: "x") { code } }', {}],
  ] as const)
    expect((await refusalOf(token, query, variables))[0]).toBe('FORBIDDEN');
  expect((await executeSql(api.databaseUrl, counts)).rows).toEqual(before.rows);
});
