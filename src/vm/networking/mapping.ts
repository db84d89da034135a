export const VISIBILITIES = ['PUBLIC', 'PRIVATE'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** A name in front of the VM's address that leads to a port of its own. */
export interface Mapping {
  readonly vmId: string;
  readonly name: string;
  readonly internalPort: number;
  readonly visibility: Visibility;
}

/** A DNS label has 63 octets; 36 are the UUID's and one the dash's. */
export const MAPPING_NAME = /^[a-z0-9]([a-z0-9-]{0,24}[a-z0-9])?$/;

/** Where VMs are reached: under `domain`, by `scheme`, at `port` where it is not the scheme's own. */
export interface PublicAddress {
  readonly scheme: 'http' | 'https';
  readonly domain: string;
  readonly port?: number;
}

/** The VM's own address. */
export function vmUrl({ scheme, domain, port }: PublicAddress, vmId: string): string {
  return `${scheme}://${vmId}.${withPort(domain, port)}`;
}

/** The mapping's canonical address: one label, so one wildcard certificate covers it. */
export function mappingUrl({ scheme, domain, port }: PublicAddress, vmId: string, name: string): string {
  return `${scheme}://${name}-${vmId}.${withPort(domain, port)}`;
}

/** The dotted form that the REST API prints. */
export function mappingSubdomain({ domain }: PublicAddress, vmId: string, name: string): string {
  return `${name}.${vmId}.${domain}`;
}

function withPort(domain: string, port: number | undefined): string {
  return port === undefined ? domain : `${domain}:${port}`;
}
