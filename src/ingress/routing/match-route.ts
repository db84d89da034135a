import type { Distribution } from '../../catalog/distribution.ts';
import type { SignIn } from '../../catalog/sign-in.ts';
import type { Vm } from '../../vm/vm.ts';

/** The port that a path of an address leads to, whether or not it can be reached now. */
export interface AppRoute {
  /**
   * Identifies the route within its VM: '' for the VM's own address, `/manage` for a path of it, or a mapping's name.
   */
  readonly key: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly protocol: 'http' | 'tcp';
  /** Whether it needs no ticket. */
  readonly isPublic: boolean;
  /** How the gateway signs the holder of an access in to the app; undefined if the app asks. */
  readonly signIn?: SignIn | undefined;
  /** The path prefix to remove before the app sees the request. */
  readonly strip?: string | undefined;
}

/** A route with the container behind it. */
export interface AppEndpoint extends AppRoute {
  /** The container's id. */
  readonly ref: string;
  readonly host: string;
  readonly region: string;
  /** The node that has the host's address; undefined on a single engine. */
  readonly node: string | undefined;
}

/**
 * Matches an address and path: a mapping's name to its port, the VM's own address (`name` undefined) to the app's port
 * or to those of the catalog's extra paths. Undefined if there is no such mapping, or the catalog no longer has the
 * image.
 */
export function matchRoute(
  vm: Vm,
  entry: Distribution | undefined,
  name: string | undefined,
  path: string,
): AppRoute | undefined {
  if (name === undefined) return entry === undefined ? undefined : matchOwnRoute(entry, path);
  const mapping = vm.mappings.find((each) => each.name === name);
  if (mapping === undefined) return undefined;
  const { internalPort: port, visibility } = mapping;
  const isPublic = visibility === 'PUBLIC';
  const signIn = !isPublic && port === entry?.defaultPort ? entry.signIn : undefined;
  return { key: name, port, scheme: schemeOf(entry, port), protocol: 'http', isPublic, signIn };
}

/** The route with the same key according to the present row and catalog; undefined if it no longer exists. */
export function rematchRoute(vm: Vm, entry: Distribution | undefined, { key }: AppRoute): AppRoute | undefined {
  const isOwn = key === '' || key.startsWith('/');
  const route = matchRoute(vm, entry, isOwn ? undefined : key, isOwn ? key : '/');
  return route?.key === key ? route : undefined;
}

function matchOwnRoute(entry: Distribution, path: string): AppRoute {
  const extra = entry.routes.find((each) => path === each.path || path.startsWith(`${each.path}/`));
  if (extra === undefined) {
    const { defaultPort, scheme, signIn } = entry;
    return { key: '', port: defaultPort, scheme, protocol: 'http', isPublic: false, signIn };
  }
  const { port, protocol, prefix } = extra;
  const scheme = extra.scheme ?? schemeOf(entry, port);
  return {
    key: extra.path,
    port,
    scheme,
    protocol,
    isPublic: false,
    strip: prefix === 'stripped' ? extra.path : undefined,
  };
}

function schemeOf(entry: Distribution | undefined, port: number): 'http' | 'https' {
  return entry !== undefined && port === entry.defaultPort ? entry.scheme : 'http';
}

/** The endpoint of a route while the VM is up. DEGRADED counts as up: the app may still answer. */
export function findEndpoint(vm: Vm, route: AppRoute | undefined): AppEndpoint | undefined {
  const { status, engineRef, address, region, node } = vm;
  const isUp = status === 'RUNNING' || status === 'DEGRADED';
  if (!isUp || engineRef === null || address === null || route === undefined) return undefined;
  return { ...route, ref: engineRef, host: address, region, node: node ?? undefined };
}

/** Equal for two endpoints if connections to the one may continue as connections to the other. */
export function endpointKey(endpoint: AppEndpoint | undefined): string {
  if (endpoint === undefined) return '';
  const { ref, node, host, port, scheme, isPublic, protocol, strip } = endpoint;
  return JSON.stringify([ref, node, host, port, scheme, isPublic, protocol, strip]);
}
