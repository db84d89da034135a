import { beforeAll, expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

interface Page {
  readonly nodes: readonly { readonly seq: string; readonly kind: string; readonly vm: { readonly vmlabel: string } }[];
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean };
}

const EVENTS = `query ($id: ID!, $first: Int, $after: String) {
  vm(id: $id) {
    events(first: $first, after: $after) { nodes { seq kind vm { vmlabel } } pageInfo { endCursor hasNextPage } }
  }
}`;
const RENAME = 'mutation ($input: UpdateVmInput!) { updateVm(input: $input) { id } }';

const api = useApi();
let token: string;
let id: string;
beforeAll(async () => {
  token = await api.token('alice');
  id = await api.createVm(token, 'first');
  const other = await api.createVm(token, 'other');
  for (const vmlabel of ['a', 'b', 'c'])
    for (const each of [id, other]) await api.post(token, RENAME, { input: { id: each, vmlabel } });
});

async function read(variables: object, by = token): Promise<Page | undefined> {
  const answer = await api.post(by, EVENTS, { id, ...variables });
  const { data } = (await answer.json()) as { data: { vm: { events: Page } | null } };
  return data.vm?.events;
}

it('the events of a VM are those of its own, newest first and page by page', async () => {
  const first = await read({ first: 3 });
  expect(first?.nodes).toEqual(['7', '5', '3'].map((seq) => ({ seq, kind: 'CHANGED', vm: { vmlabel: 'c' } })));
  const second = await read({ first: 3, after: first?.pageInfo.endCursor });
  expect(second?.nodes.map(({ seq, kind }) => [seq, kind])).toEqual([['1', 'CREATED']]);
  expect([first?.pageInfo.hasNextPage, second?.pageInfo.hasNextPage]).toEqual([true, false]);
});

it('another account has no such VM', async () => {
  expect(await read({}, await api.token('bob'))).toBeUndefined();
});

it('events that are no longer stored are left out, and the rest is there', async () => {
  await executeSql(api.databaseUrl, "delete from vm_event where user_id = 'alice' and seq < 5");
  expect((await read({}))?.nodes.map(({ seq }) => seq)).toEqual(['7', '5']);
});

it('what a VM used is read as far back as was asked for, by its owner only', async () => {
  await executeSql(
    api.databaseUrl,
    `insert into vm_stats
       (vm_id, at, stored_at, cpu_percent, memory_bytes, memory_limit_bytes, network_rx_bytes, network_tx_bytes)
     select '${id}', now() - age, now() - age, extract(minute from age), 1, 2, 3, 4
     from unnest(array[interval '50 minutes', interval '5 minutes']) age`,
  );
  const history = 'query ($id: ID!, $minutes: Int) { vm(id: $id) { statsHistory(minutes: $minutes) { cpuPercent } } }';
  const ask = async (minutes: number | undefined, by = token): Promise<unknown> =>
    (await api.post(by, history, { id, minutes })).json();
  const points = (...values: number[]) => ({
    data: { vm: { statsHistory: values.map((cpuPercent) => ({ cpuPercent })) } },
  });
  expect(await ask(undefined)).toEqual(points(50, 5));
  expect(await ask(10)).toEqual(points(5));
  expect(await ask(61)).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  expect(await ask(10, await api.token('bob'))).toEqual({ data: { vm: null } });
});
