import { BlockList, isIP } from 'node:net';
import { splitList } from '../lib/split-list.ts';

/** Parses a list of addresses and networks, such as `10.0.0.0/8, 2001:db8::1`. Throws for an entry that is neither. */
export function parseNetworks(text: string): BlockList {
  const networks = new BlockList();
  for (const entry of splitList(text)) {
    const [address = '', prefix, ...rest] = entry.split('/');
    const version = isIP(address);
    const bits = prefix === undefined ? maxPrefix(version) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || rest.length > 0 || !(bits <= maxPrefix(version))) {
      throw new Error(`"${entry}" is neither an address nor a network, such as 10.0.0.0/8.`);
    }
    networks.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  }
  return networks;
}

function maxPrefix(version: number): number {
  return version === 4 ? 32 : 128;
}
