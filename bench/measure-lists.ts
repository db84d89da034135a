import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Figure } from './figure.ts';
import { askGateway, type GatewayUnderTest } from './gateway-under-test.ts';
import { load, type LoadRequest, type LoadResult } from './load.ts';
import { median } from './quantile.ts';

export interface ListsOptions {
  readonly gateway: GatewayUnderTest;
  readonly databaseUrl: string;
  readonly userId: string;
  readonly token: string;
  readonly distribution: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const VMS = 5;
const ROUNDS = 5;
const ROUND_MS = 700;
const LIST =
  '{ vms { nodes { id vmlabel region os { distribution desktop } specs { cpu ram storage } enabled networking { name internalPort } } } }';

/** Lists an account's 5 VMs over REST, and with their mappings over GraphQL, in alternation with a minimal server. */
export async function measureLists(options: ListsOptions): Promise<Figure[]> {
  const { gateway, token, print, signal } = options;
  await makeVms(options);
  const floor = forkFloor(options);
  try {
    const [told] = (await once(floor, 'message', { signal })) as [{ port: number }];
    const lists = [
      { name: 'GET /vms', of: (port: number) => requestOf(port, 'GET /vms', token) },
      {
        name: 'GraphQL list',
        of: (port: number) => requestOf(port, 'POST /graphql', token, JSON.stringify({ query: LIST })),
      },
    ];
    await assertSameAnswers(gateway.port, told.port, token);
    const figures: Figure[] = [];
    for (const { name, of } of lists) {
      for (const connections of [1, 16]) {
        const [ours, theirs] = await alternate(of(gateway.port), of(told.port), connections, signal);
        const title = `${name} of ${VMS} VMs, ${connections} connection${connections === 1 ? '' : 's'}`;
        print(`${title}: ${ours.perSecond.toFixed(0)} req/s, floor ${theirs.perSecond.toFixed(0)} req/s`);
        figures.push(
          { name: `${title}: throughput`, ours: ours.perSecond, floor: theirs.perSecond, unit: 'req/s' },
          { name: `${title}: median`, ours: ours.medianMs, floor: theirs.medianMs, unit: 'ms' },
        );
      }
    }
    return figures;
  } finally {
    floor.disconnect();
    if (floor.exitCode === null) await once(floor, 'exit');
  }
}

function forkFloor({ databaseUrl, userId }: ListsOptions): ChildProcess {
  const file = fileURLToPath(new URL('floor-server.ts', import.meta.url));
  return fork(file, { env: { DATABASE_URL: databaseUrl, USER_ID: userId } });
}

async function makeVms({ gateway, token, distribution }: ListsOptions): Promise<void> {
  for (let index = 1; index <= VMS; index += 1) {
    const input = {
      vmlabel: `list ${index}`,
      region: 'AU',
      password: 'only for the bench',
      distribution,
      cpu: 1,
      ram: 1,
    };
    const create = 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }';
    const { createVm } = await askGateway<{ createVm: { id: string } }>(gateway.url, token, create, { input });
    for (const [name, internalPort] of [
      ['app', 3000],
      ['api', 8080],
    ] as const) {
      const add = 'mutation ($input: AddSubdomainInput!) { addSubdomain(input: $input) { name } }';
      await askGateway(gateway.url, token, add, { input: { vmId: createVm.id, name, internalPort } });
    }
  }
}

/** Checks that the floor does the same work. */
async function assertSameAnswers(ours: number, theirs: number, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = async (port: number): Promise<unknown[]> => {
    const lists = [fetch(`http://127.0.0.1:${port}/vms`, { headers })];
    lists.push(
      fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query: LIST }) }),
    );
    return Promise.all((await Promise.all(lists)).map((answer) => answer.json()));
  };
  const [one, other] = [await ask(ours), await ask(theirs)];
  if (!isDeepStrictEqual(one, other)) {
    throw new Error(`The floor's response differs.\nOurs: ${JSON.stringify(one)}\nFloor: ${JSON.stringify(other)}`);
  }
}

function requestOf(port: number, line: string, token: string, body = ''): LoadRequest {
  const type = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  const head = `${line} HTTP/1.1\r\nhost: localhost:${port}\r\nauthorization: Bearer ${token}\r\n${type}\r\n`;
  return { port, bytes: Buffer.from(head + body) };
}

/** Alternates both, so that disturbances affect both. Returns the medians of all rounds but the first. */
async function alternate(
  ours: LoadRequest,
  floor: LoadRequest,
  connections: number,
  signal: AbortSignal,
): Promise<[LoadResult, LoadResult]> {
  const rounds: [LoadResult, LoadResult][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    signal.throwIfAborted();
    rounds.push([await load(ours, connections, ROUND_MS), await load(floor, connections, ROUND_MS)]);
  }
  const warm = rounds.slice(1);
  return [middle(warm.map(([each]) => each)), middle(warm.map(([, each]) => each))];
}

function middle(results: readonly LoadResult[]): LoadResult {
  return {
    perSecond: median(results.map(({ perSecond }) => perSecond)),
    medianMs: median(results.map(({ medianMs }) => medianMs)),
  };
}
