import { BlockList } from 'node:net';
import { z } from 'zod';
import type { EngineApi } from '../../engine-api.ts';

const networks = z.array(
  z.object({
    Name: z.string(),
    IPAM: z.object({
      Config: z.array(z.object({ Subnet: z.string(), Gateway: z.string().optional() })).nullable(),
    }),
  }),
);

const FRESH_MS = 10_000;
/** An address that is not in the list may be of a network that has just been made. */
const FRESH_IF_MISSING_MS = 200;
const CALL_MS = 5_000;

/**
 * Tells the addresses of machines from all others: those of the machines' networks, without the node's own. So a line
 * leads to machines only.
 */
export function createIsMachine(
  engine: Pick<EngineApi, 'ask'>,
  names: readonly string[],
): (host: string) => Promise<boolean> {
  let known: { readonly list: Promise<BlockLists>; readonly at: number } | undefined;
  const check = async (host: string, freshMs: number): Promise<boolean> => {
    if (known === undefined || performance.now() - known.at > freshMs)
      known = { list: readLists(engine, names), at: performance.now() };
    try {
      const { machines, gateways } = await known.list;
      return machines.check(host) && !gateways.check(host);
    } catch (error) {
      known = undefined;
      throw error;
    }
  };
  return async (host) => (await check(host, FRESH_MS)) || check(host, FRESH_IF_MISSING_MS);
}

interface BlockLists {
  readonly machines: BlockList;
  readonly gateways: BlockList;
}

async function readLists(engine: Pick<EngineApi, 'ask'>, names: readonly string[]): Promise<BlockLists> {
  const request = {
    method: 'GET',
    path: '/networks',
    query: { filters: JSON.stringify({ name: names }) },
    what: 'list the networks',
    milliseconds: CALL_MS,
  } as const;
  const found = networks.parse(await engine.ask(request, new AbortController().signal));
  const lists = { machines: new BlockList(), gateways: new BlockList() };
  // The engine's filter matches parts of names, too.
  for (const { Name, IPAM } of found.filter((each) => names.includes(each.Name))) {
    for (const { Subnet, Gateway } of IPAM.Config ?? []) {
      const [address = '', prefix] = Subnet.split('/');
      if (address.includes(':')) continue;
      lists.machines.addSubnet(address, Number(prefix));
      if (Gateway !== undefined) lists.gateways.addAddress(Gateway);
    }
    void Name;
  }
  return lists;
}
