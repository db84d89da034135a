export const VISIBILITIES = ['PUBLIC', 'PRIVATE'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** A name before the VM's address that leads to one of its ports. */
export interface Mapping {
  readonly vmId: string;
  readonly name: string;
  readonly internalPort: number;
  readonly visibility: Visibility;
}

/**
 * A DNS label has 63 octets: 26 for the name, 1 for the dash and 36 for the UUID. `xn--` would make it a name in other
 * letters, which browsers show, and which can look like another name.
 */
export const MAPPING_NAME = /^(?!xn--)[a-z0-9]([a-z0-9-]{0,24}[a-z0-9])?$/;

/** The public base address of VMs. `port` is absent when it is the default of the scheme. */
export interface PublicAddress {
  readonly scheme: 'http' | 'https';
  readonly domain: string;
  readonly port?: number;
}

/** The origin of the API. */
export function gatewayUrl({ scheme, domain, port }: PublicAddress): string {
  return `${scheme}://${withPort(domain, port)}`;
}

export function vmUrl({ scheme, domain, port }: PublicAddress, vmId: string): string {
  return `${scheme}://${vmId}.${withPort(domain, port)}`;
}

/** The mapping's canonical address. It adds a single label, so one wildcard certificate covers all. */
export function mappingUrl({ scheme, domain, port }: PublicAddress, vmId: string, name: string): string {
  return `${scheme}://${name}-${vmId}.${withPort(domain, port)}`;
}

/** The dotted form, as shown by the REST API. */
export function mappingSubdomain({ domain }: PublicAddress, vmId: string, name: string): string {
  return `${name}.${vmId}.${domain}`;
}

function withPort(domain: string, port: number | undefined): string {
  return port === undefined ? domain : `${domain}:${port}`;
}
