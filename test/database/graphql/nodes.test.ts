import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';

interface Answer<T> {
  readonly data?: T;
  readonly errors?: readonly { readonly extensions: { readonly code: string; readonly fields?: unknown } }[];
}

const gateway = useApi({ FORWARD_PORTS: '20000-29999' });
let alice: string;
let bob: string;
let vmId: string;
beforeAll(async () => {
  [alice, bob] = await Promise.all([gateway.token('alice'), gateway.token('bob')]);
  vmId = await gateway.createVm(alice, 'mine');
});

async function ask<T>(token: string, query: string, variables: Record<string, unknown> = {}): Promise<Answer<T>> {
  return (await (await gateway.post(token, query, variables)).json()) as Answer<T>;
}

interface Changed {
  readonly id: string;
  readonly vm: { readonly id: string; readonly lastEventSeq: string };
}

/** An id of each kind of object that belongs to alice, by type. */
async function ownIds(): Promise<Record<string, string>> {
  const { data } = await ask<{ setSecret: Changed; addSubdomain: Changed }>(
    alice,
    `mutation ($vmId: ID!) {
      setSecret(input: { vmId: $vmId, key: "TOKEN", value: "canary" }) { id vm { id lastEventSeq } }
      addSubdomain(input: { vmId: $vmId, name: "web", internalPort: 8080 }) { id vm { id lastEventSeq } }
    }`,
    { vmId },
  );
  const { data: own } = await ask<{ me: { id: string; audit: { nodes: { id: string }[] } } }>(
    alice,
    '{ me { id audit(first: 1) { nodes { id } } } }',
  );
  return {
    Vm: vmId,
    VmSecret: data?.setSecret.id ?? '',
    SubdomainMapping: data?.addSubdomain.id ?? '',
    Account: own?.me.id ?? '',
    AuditEntry: own?.me.audit.nodes[0]?.id ?? '',
  };
}

const NODES = `query ($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    id
    ... on Vm { vmlabel }
    ... on VmSecret { key value vm { vmlabel } }
    ... on SubdomainMapping { name vm { vmlabel networking { vm { vmlabel } } } }
    ... on Account { userId }
    ... on AuditEntry { action }
    ... on Region { code }
    ... on Plan { code }
    ... on Distribution { code }
  }
}`;

describe('node and nodes', () => {
  it('find each object by its id, in the order of the ids, and null for none', async () => {
    const own = await ownIds();
    const { data: catalog } = await ask<Record<string, { id: string }[]>>(
      alice,
      '{ regions { id } plans { id } distributions { id } }',
    );
    const [region, plan, distribution] = [catalog?.['regions'], catalog?.['plans'], catalog?.['distributions']].map(
      (list) => list?.[0]?.id ?? '',
    );
    const types = Object.keys(own);
    const ids = [...Object.values(own), 'nothing', region, plan, distribution, vmId.toUpperCase()];
    const { data, errors } = await ask<{ nodes: Record<string, unknown>[] }>(alice, NODES, { ids });
    expect(errors).toBeUndefined();
    expect(data?.nodes.map((node) => node?.['__typename'] ?? null)).toEqual([
      ...types,
      null,
      'Region',
      'Plan',
      'Distribution',
      'Vm',
    ]);
    expect(data?.nodes.map((node) => node?.['id'] ?? null)).toEqual([
      ...Object.values(own),
      null,
      region,
      plan,
      distribution,
      vmId,
    ]);
    expect(data?.nodes.slice(0, 4)).toMatchObject([
      { vmlabel: 'mine' },
      { key: 'TOKEN', value: 'canary', vm: { vmlabel: 'mine' } },
      { name: 'web', vm: { vmlabel: 'mine', networking: [{ vm: { vmlabel: 'mine' } }] } },
      { userId: 'alice' },
    ]);
  });

  it("answer for another account's object as for none, and record no read of its secret", async () => {
    const own = await ownIds();
    const reads = `{ me { audit(actions: [SECRETS_READ]) { nodes { count } } } }`;
    const before = await ask(alice, reads);
    for (const [type, id] of Object.entries(own)) {
      expect([type, await ask(bob, NODES, { ids: [id] })]).toEqual([type, { data: { nodes: [null] } }]);
      const one = 'query ($id: ID!) { node(id: $id) { id ... on VmSecret { value } } }';
      expect([type, await ask(bob, one, { id })]).toEqual([type, { data: { node: null } }]);
    }
    expect(await ask(alice, reads)).toEqual(before);
  });

  it('cost as much as their ids, and take at most 100', async () => {
    const ids = Array.from({ length: 101 }, () => vmId);
    expect((await ask(alice, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids })).errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'ids' }] } },
    ]);
    const heavy = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { audit(first: 100) { nodes { id } } } } }`;
    expect((await ask(alice, heavy, { ids: ids.slice(0, 2) })).errors).toBeUndefined();
    expect((await ask(alice, heavy, { ids: ids.slice(0, 100) })).errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
    const path = 'secrets { vm { '.repeat(4);
    const there = await ask(alice, `{ vm(id: "${vmId}") { ${path} id ${'} }'.repeat(4)} } }`);
    expect(there.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

it('a mutation returns what it changed, with its VM as it is after the change', async () => {
  const { data } = await ask<Record<string, Changed>>(
    alice,
    `mutation ($vmId: ID!) {
      secret: setSecret(input: { vmId: $vmId, key: "LATER", value: "x" }) { id vm { id lastEventSeq secrets { id } } }
      mapping: addSubdomain(input: { vmId: $vmId, name: "later", internalPort: 80 }) { id vm { lastEventSeq networking { id } } }
    }`,
    { vmId },
  );
  expect(data?.['secret']).toMatchObject({
    vm: { id: vmId, secrets: expect.arrayContaining([{ id: data?.['secret']?.id }]) },
  });
  expect(data?.['mapping']).toMatchObject({
    vm: { networking: expect.arrayContaining([{ id: data?.['mapping']?.id }]) },
  });
  expect(Number(data?.['mapping']?.vm.lastEventSeq)).toBe(Number(data?.['secret']?.vm.lastEventSeq) + 1);
});

describe('a connection', () => {
  interface Page {
    readonly nodes: readonly { readonly vmlabel?: string; readonly id: string }[];
    readonly pageInfo: {
      readonly hasNextPage: boolean;
      readonly hasPreviousPage: boolean;
      readonly startCursor: string | null;
      readonly endCursor: string | null;
    };
  }
  const PAGE = 'nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
  const VMS = `query ($first: Int, $after: String, $last: Int, $before: String, $region: String) {
    list: vms(first: $first, after: $after, last: $last, before: $before, filter: { region: $region }) {
      totalCount ${PAGE}
    }
  }`;
  const AUDIT = `query ($first: Int, $after: String, $last: Int, $before: String) {
    me { list: audit(first: $first, after: $after, last: $last, before: $before) { ${PAGE} } }
  }`;
  let carol: string;
  beforeAll(async () => {
    carol = await gateway.token('carol');
    for (const label of ['a', 'b', 'c', 'd', 'e']) await gateway.createVm(carol, label);
  });

  const readPage = async (query: string, variables: Record<string, unknown>): Promise<Page> => {
    const { data, errors } = await ask<{ list?: Page; me?: { list: Page } }>(carol, query, variables);
    const page = data?.list ?? data?.me?.list;
    if (page === undefined) throw new Error(JSON.stringify(errors));
    return page;
  };

  it.each([
    ['VMs', VMS, {}],
    ['VMs by region', VMS, { region: 'AU' }],
    ['the audit', AUDIT, {}],
  ])('of %s is read from its end as from its beginning', async (_what, query, filter) => {
    const all = (await readPage(query, filter)).nodes.map(({ id }) => id);
    expect(all.length).toBe(5);
    let page = await readPage(query, { ...filter, last: 2 });
    expect([page.nodes.map(({ id }) => id), page.pageInfo]).toMatchObject([
      all.slice(3),
      { hasNextPage: false, hasPreviousPage: true },
    ]);
    page = await readPage(query, { ...filter, last: 2, before: page.pageInfo.startCursor });
    expect([page.nodes.map(({ id }) => id), page.pageInfo]).toMatchObject([
      all.slice(1, 3),
      { hasNextPage: true, hasPreviousPage: true },
    ]);
    page = await readPage(query, { ...filter, last: 2, before: page.pageInfo.startCursor });
    expect([page.nodes.map(({ id }) => id), page.pageInfo]).toMatchObject([
      all.slice(0, 1),
      { hasNextPage: true, hasPreviousPage: false },
    ]);
    const [{ pageInfo: first }, { pageInfo: last }] = await Promise.all([
      readPage(query, { ...filter, first: 1 }),
      readPage(query, { ...filter, last: 1 }),
    ]);
    const between = await readPage(query, { ...filter, after: first.endCursor, before: last.startCursor });
    expect([between.nodes.map(({ id }) => id), between.pageInfo]).toMatchObject([
      all.slice(1, 4),
      { hasNextPage: false, hasPreviousPage: true },
    ]);
    const none = await readPage(query, { ...filter, last: 2, before: first.startCursor });
    expect(none).toMatchObject({ nodes: [], pageInfo: { hasPreviousPage: false, startCursor: null } });
  });

  it('counts all VMs on an empty page too, and names a wrong argument', async () => {
    const { pageInfo } = await readPage(VMS, { first: 1 });
    expect(await readPage(VMS, { last: 1, before: pageInfo.startCursor })).toMatchObject({ totalCount: 5, nodes: [] });
    for (const [variables, path] of [
      [{ last: 0 }, 'last'],
      [{ last: 101 }, 'last'],
      [{ first: 101 }, 'first'],
      [{ before: 'x' }, 'before'],
      [{ after: 'x' }, 'after'],
    ] as const) {
      const { errors } = await ask(carol, VMS, variables);
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', fields: [{ path }] } }]);
    }
  });
});
