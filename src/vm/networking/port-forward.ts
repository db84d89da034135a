import type { Distribution } from '../../catalog/distribution.ts';

export const PORT_PROTOCOLS = ['tcp', 'udp'] as const;
export type PortProtocol = (typeof PORT_PROTOCOLS)[number];

/** A port of the engine's host that leads to a port of the VM, for protocols other than HTTP. */
export interface PortForward {
  readonly vmId: string;
  readonly region: string;
  /** The node of a cluster that the VM is on; null if it is on none, and on a single engine. */
  readonly node: string | null;
  readonly protocol: PortProtocol;
  readonly internalPort: number;
  /** Unique per protocol in the installation. Kept until the forward is removed. */
  readonly publicPort: number;
}

export interface ForwardSettings {
  /** The range of public ports, both ends included. */
  readonly from: number;
  readonly to: number;
  /** The address of the engine's host on which the ports listen. */
  readonly bind: string;
  /** The host that clients connect to for VMs of the region on that node. */
  readonly hostOf: (region: string, node: string | null) => string;
}

/** The address that a client connects to: `play.example.com:30123`. */
export function forwardAddress(
  { hostOf }: Pick<ForwardSettings, 'hostOf'>,
  { region, node, publicPort }: Pick<PortForward, 'region' | 'node' | 'publicPort'>,
): string {
  const host = hostOf(region, node);
  return `${host.includes(':') ? `[${host}]` : host}:${publicPort}`;
}

/** The public address of a port of the VM; undefined when it is not forwarded. */
export function forwardAddressOf(
  settings: Pick<ForwardSettings, 'hostOf'>,
  { ports }: { readonly ports: readonly PortForward[] },
  protocol: PortProtocol,
  internalPort: number,
): string | undefined {
  const found = ports.find((each) => each.protocol === protocol && each.internalPort === internalPort);
  return found === undefined ? undefined : forwardAddress(settings, found);
}

/** Why the catalog does not allow this forward, as the end of a sentence; undefined when it does. */
export function forwardProblem(distribution: Distribution, protocol: PortProtocol, port: number): string | undefined {
  const { name, defaultPort, portForwarding, ports } = distribution;
  if (protocol === 'tcp' && port === defaultPort)
    return `is the app's own: the VM's address leads to it, so it cannot be forwarded.`;
  if (portForwarding) return undefined;
  const open = [
    ...ports,
    ...defaultForwards(distribution).map((each) => ({ ...each, from: each.internalPort, to: each.internalPort })),
  ];
  if (open.some((each) => each.protocol === protocol && port >= each.from && port <= each.to)) return undefined;
  if (open.length === 0) return `cannot be forwarded: ${name} serves only HTTP; use addSubdomain for its ports.`;
  const listed = open.map(
    ({ protocol: which, from, to }) => `${which.toUpperCase()} ${from === to ? from : `${from}-${to}`}`,
  );
  return `cannot be forwarded: ${name} listens on ${[...new Set(listed)].join(', ')}.`;
}

/** The forwards of a new VM: the catalog promises a route to these ports. */
export function defaultForwards({ routes }: Distribution): { protocol: PortProtocol; internalPort: number }[] {
  return routes.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [{ protocol, internalPort: port }] : []));
}
