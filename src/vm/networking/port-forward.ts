import type { Distribution } from '../../catalog/distribution.ts';

export const PORT_PROTOCOLS = ['tcp', 'udp'] as const;
export type PortProtocol = (typeof PORT_PROTOCOLS)[number];

/** A port of the engine's host that leads to one of the VM's: for what is not HTTP. */
export interface PortForward {
  readonly vmId: string;
  readonly region: string;
  readonly protocol: PortProtocol;
  readonly internalPort: number;
  /** Unique with its protocol in the installation; kept until the forward is removed. */
  readonly publicPort: number;
}

/** Where forwards are and how they are reached. */
export interface ForwardSettings {
  /** The public ports that may be given out, both ends included. */
  readonly from: number;
  readonly to: number;
  /** The address of the engine's host on which they listen. */
  readonly bind: string;
  /** By region: the host that people connect to. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** What a client connects to: `play.example.com:30123`. */
export function forwardAddress({ hosts }: Pick<ForwardSettings, 'hosts'>, region: string, publicPort: number): string {
  const host = hosts.get(region) ?? 'localhost';
  return `${host.includes(':') ? `[${host}]` : host}:${publicPort}`;
}

/** Where that port of the VM is reached; undefined when it is not forwarded. */
export function forwardAddressOf(
  settings: Pick<ForwardSettings, 'hosts'>,
  { ports }: { readonly ports: readonly PortForward[] },
  protocol: PortProtocol,
  internalPort: number,
): string | undefined {
  const found = ports.find((each) => each.protocol === protocol && each.internalPort === internalPort);
  return found === undefined ? undefined : forwardAddress(settings, found.region, found.publicPort);
}

/** Why the catalog does not let that port be forwarded, for a person; undefined when it does. */
export function forwardProblem(distribution: Distribution, protocol: PortProtocol, port: number): string | undefined {
  const { name, defaultPort, portForwarding, ports } = distribution;
  if (protocol === 'tcp' && port === defaultPort) return `is the app's own, which the VM's address leads to; it is not forwarded past it.`;
  if (portForwarding) return undefined;
  const open = [...ports, ...defaultForwards(distribution).map((each) => ({ ...each, from: each.internalPort, to: each.internalPort }))];
  if (open.some((each) => each.protocol === protocol && port >= each.from && port <= each.to)) return undefined;
  if (open.length === 0) return `cannot be forwarded: ${name} has nothing but HTTP, which addSubdomain gives an address.`;
  const listed = open.map(({ protocol: which, from, to }) => `${which.toUpperCase()} ${from === to ? from : `${from}-${to}`}`);
  return `cannot be forwarded: ${name} listens on ${[...new Set(listed)].join(', ')}.`;
}

/** The forwards that a VM of this entry has from its creation on: its catalog promises a route there. */
export function defaultForwards({ routes }: Distribution): { protocol: PortProtocol; internalPort: number }[] {
  return routes.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [{ protocol, internalPort: port }] : []));
}
