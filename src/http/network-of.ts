import { isIPv6 } from 'node:net';

/** What one client has of addresses: an IPv4 one, or the /64 network that everyone with an IPv6 address gets whole. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const known = [...(before ?? []), ...(after ?? [])].length;
  const zeros = address.includes('::') ? Array.from({ length: Math.max(0, 8 - known) }, () => '0') : [];
  const groups = [...(before ?? []), ...zeros, ...(after ?? [])].slice(0, 4);
  return groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':');
}
