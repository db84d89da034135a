import { isIPv6 } from 'node:net';

/** The network that a limit treats as one client: an IPv4 address, or the /64 network of an IPv6 address. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const known = [...(before ?? []), ...(after ?? [])].length;
  const zeros = address.includes('::') ? Array.from({ length: Math.max(0, 8 - known) }, () => '0') : [];
  const groups = [...(before ?? []), ...zeros, ...(after ?? [])].slice(0, 4);
  return groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':');
}
