import type { Distribution } from '../../catalog/distribution.ts';
import type { Vm } from '../../vm/vm.ts';

/** What a path of an address leads to, whether or not it can be reached now. */
export interface Way {
  /** Tells the ways of one VM apart: '' is its own address, `/manage` a route of that, any other a mapping's name. */
  readonly key: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly protocol: 'http' | 'tcp';
  /** Without a ticket. */
  readonly isPublic: boolean;
  readonly strip?: string | undefined;
}

/** A way that can be gone now: the container behind it. A change of any of it ends what goes through the old one. */
export interface Door extends Way {
  readonly ref: string;
  readonly host: string;
}

/**
 * Where the address leads: a mapping's name to its port; the VM's own address (`name` undefined) to the app's, or for the catalog's
 * extra paths to theirs. Undefined when there is no such mapping, or the catalog no longer knows the image's port.
 */
export function findWay(vm: Vm, entry: Distribution | undefined, name: string | undefined, path: string): Way | undefined {
  if (name === undefined) return entry === undefined ? undefined : findOwnWay(entry, path);
  const mapping = vm.mappings.find((each) => each.name === name);
  if (mapping === undefined) return undefined;
  const { internalPort: port, visibility } = mapping;
  return { key: name, port, scheme: schemeOf(entry, port), protocol: 'http', isPublic: visibility === 'PUBLIC' };
}

function findOwnWay(entry: Distribution, path: string): Way {
  const route = entry.routes.find((each) => path === each.path || path.startsWith(`${each.path}/`));
  if (route === undefined) return { key: '', port: entry.defaultPort, scheme: entry.scheme, protocol: 'http', isPublic: false };
  const { port, protocol, prefix } = route;
  const scheme = route.scheme ?? schemeOf(entry, port);
  return { key: route.path, port, scheme, protocol, isPublic: false, strip: prefix === 'stripped' ? route.path : undefined };
}

function schemeOf(entry: Distribution | undefined, port: number): 'http' | 'https' {
  return entry !== undefined && port === entry.defaultPort ? entry.scheme : 'http';
}

/** The way's door while the VM runs. DEGRADED stays reachable: the app may answer this very request. */
export function openDoor({ status, engineRef, address }: Vm, way: Way | undefined): Door | undefined {
  const isUp = status === 'RUNNING' || status === 'DEGRADED';
  return isUp && engineRef !== null && address !== null && way !== undefined ? { ...way, ref: engineRef, host: address } : undefined;
}

/** The same for two doors exactly when what goes through the one may go on through the other. */
export function doorKey(door: Door | undefined): string {
  if (door === undefined) return '';
  const { ref, host, port, scheme, isPublic, protocol, strip } = door;
  return JSON.stringify([ref, host, port, scheme, isPublic, protocol, strip]);
}
