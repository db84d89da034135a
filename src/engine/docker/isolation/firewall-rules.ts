import type { SharedEngineNames } from '../containers/shared-engine-names.ts';

/**
 * Networks that no machine may open connections to: this host, its neighbors, the cloud's metadata service
 * (169.254.169.254), and all other addresses outside the internet (RFC 6890).
 */
export const PRIVATE_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;

/**
 * Connections that a machine may have at once, TCP, UDP and others together. The host's table of connections is shared
 * by all, and has at least 262,144 entries.
 */
export const MACHINE_CONNECTIONS = 2048;
/** New ones a second. Counting takes the kernel longer than refusing, so a flood is refused before it is counted. */
const NEW_CONNECTIONS_PER_SECOND = 256;

export interface FirewallRules {
  /** For iptables-restore and ip6tables-restore: the content of the chains, without the jumps into them. */
  readonly ipv4: string;
  readonly ipv6: string;
}

/**
 * The rules for traffic from the machines' bridges. They only deny; traffic that passes is still subject to the host's
 * other rules. `resolvers` are the name servers of the engine's containers: on private addresses, only their port 53
 * is reachable. `peers` are other hosts that machines may not reach, whatever their addresses.
 */
export function firewallRules(
  { networks, chains: { forward, input, deny } }: SharedEngineNames,
  resolvers: readonly string[],
  peers: readonly string[] = [],
): FirewallRules {
  const answers = '-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN';
  const names = resolvers.flatMap((address) =>
    ['udp', 'tcp'].map((protocol) => `-d ${address}/32 -p ${protocol} --dport 53 -j RETURN`),
  );
  const excess = (chain: string) => [
    `-m hashlimit --hashlimit-above ${NEW_CONNECTIONS_PER_SECOND}/sec ` +
      `--hashlimit-burst ${MACHINE_CONNECTIONS} --hashlimit-mode srcip --hashlimit-name ${chain} -j ${deny}`,
    `-m connlimit --connlimit-above ${MACHINE_CONNECTIONS} --connlimit-mask 32 --connlimit-saddr -j ${deny}`,
  ];
  const offline = `-i ${networks.none} -j ${deny}`;
  const bridges = Object.values(networks).map((bridge) => `-o ${bridge} -j ${deny}`);
  const denied = [...PRIVATE_NETWORKS, ...peers.map((address) => `${address}/32`)].map(
    (network) => `-d ${network} -j ${deny}`,
  );
  const rules = (chain: string, list: readonly string[]) => list.map((rule) => `-A ${chain} ${rule}`);
  // Reject instead of drop, so that clients fail at once.
  const refusal = rules(deny, ['-p tcp -j REJECT --reject-with tcp-reset', '-j REJECT']);
  return {
    ipv4: [
      ...refusal,
      ...rules(forward, [answers, ...bridges, offline, ...excess(forward), ...names, ...denied]),
      ...rules(input, [answers, offline, ...excess(input), ...names, `-j ${deny}`]),
    ].join('\n'),
    // The networks have no IPv6, so all of it is denied.
    ipv6: [...refusal, ...rules(forward, [`-j ${deny}`]), ...rules(input, [`-j ${deny}`])].join('\n'),
  };
}

/** The IPv4 name servers in a container's resolv.conf. Skips loopback addresses: that is the engine's own forwarder. */
export function parseResolvers(resolvConf: string): readonly string[] {
  const found = [...resolvConf.matchAll(/^\s*nameserver\s+(\d{1,3}(?:\.\d{1,3}){3})\s*$/gm)].map(
    ([, address = '']) => address,
  );
  const isAddress = (text: string) => text.split('.').every((part) => Number(part) <= 255);
  return [...new Set(found.filter((address) => isAddress(address) && !address.startsWith('127.')))].toSorted();
}
