import { BlockList } from 'node:net';
import { z } from 'zod';
import { refusalStatus, type EngineApi } from '../../engine-api.ts';

const network = z.object({
  IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string(), Gateway: z.string().optional() })).nullable() }),
});
type Network = z.infer<typeof network>;

interface Addresses {
  readonly machines: BlockList;
  /** The node's own. */
  readonly gateways: BlockList;
}

const FRESH_MS = 10_000;
/** An address that is not known may be of a network that has just been made. */
const FRESH_IF_MISSING_MS = 200;
const CALL_MS = 2_000;

/**
 * Tells the addresses of machines from all others: those of the machines' networks, without the node's own. So a line
 * leads to machines only. What is known is renewed beside its use: an engine that has lost the leader of its swarm
 * answers slowly, and what runs goes on.
 */
export function createIsMachine(
  engine: Pick<EngineApi, 'ask'>,
  names: readonly string[],
): (host: string) => Promise<boolean> {
  let known: Addresses | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const renew = (): Promise<void> => {
    reading ??= readAddresses(engine, names)
      .then((read) => void (known = read))
      .finally(() => {
        readAt = performance.now();
        reading = undefined;
      });
    return reading;
  };
  const isKnown = (host: string) => known?.machines.check(host) === true && !known.gateways.check(host);
  return async (host) => {
    const ageMs = performance.now() - readAt;
    if (isKnown(host)) {
      if (ageMs > FRESH_MS) renew().catch(() => undefined);
      return true;
    }
    if (ageMs > FRESH_IF_MISSING_MS) await renew();
    return isKnown(host);
  };
}

async function readAddresses(engine: Pick<EngineApi, 'ask'>, names: readonly string[]): Promise<Addresses> {
  const found = await Promise.all(names.map((name) => findNetwork(engine, name)));
  const addresses = { machines: new BlockList(), gateways: new BlockList() };
  for (const { Subnet, Gateway } of found.flatMap((each) => each?.IPAM.Config ?? [])) {
    const [address = '', prefix] = Subnet.split('/');
    if (address.includes(':')) continue;
    addresses.machines.addSubnet(address, Number(prefix));
    if (Gateway !== undefined) addresses.gateways.addAddress(Gateway);
  }
  return addresses;
}

async function findNetwork(engine: Pick<EngineApi, 'ask'>, name: string): Promise<Network | undefined> {
  const request = {
    method: 'GET',
    path: `/networks/${name}`,
    what: 'inspect a network',
    milliseconds: CALL_MS,
  } as const;
  try {
    return network.parse(await engine.ask(request, new AbortController().signal));
  } catch (error) {
    if (refusalStatus(error) === 404) return undefined;
    throw error;
  }
}
