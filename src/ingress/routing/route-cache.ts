import { isBooting } from '../../vm/vm-status.ts';
import { forwardAddressOf, type ForwardSettings } from '../../vm/networking/port-forward.ts';
import type { Vm } from '../../vm/vm.ts';
import type { OwnCookies } from '../access/own-cookies.ts';
import type { Ticket, TicketScope, Tickets } from '../access/tickets.ts';
import type { CachedVm } from './cached-vm.ts';
import { findEndpoint, matchRoute, type AppRoute } from './match-route.ts';
import { isRefused, type Resolution, type Upstream, type VmView } from './resolution.ts';
import { VmCache, type VmCacheOptions } from './vm-cache.ts';

interface RouteCacheOptions extends VmCacheOptions {
  readonly forward: Pick<ForwardSettings, 'hosts'>;
  readonly tickets: Tickets;
}

/**
 * Resolves the addresses of VMs from cached rows.
 *
 * INVARIANTS
 * - A private route resolves only with a ticket for this address, issued by the VM's owner.
 * - Without one, a client cannot tell a private route from a VM that does not exist.
 * - An upstream leads to the container of a row that is at most 900 ms old (see `VmCache`).
 */
export class RouteCache {
  readonly #options: RouteCacheOptions;
  readonly #vms: VmCache;

  constructor(options: RouteCacheOptions) {
    this.#options = options;
    this.#vms = new VmCache(options);
  }

  /**
   * Decides where a request for a VM's address goes. `name` is the mapping's, undefined for the VM's own address;
   * `path` is as it was sent; `cookies` are empty if a page of another origin sent the request.
   */
  resolve(vmId: string, name: string | undefined, path: string, cookies: OwnCookies): Resolution | Promise<Resolution> {
    const cached = this.#vms.get(vmId);
    // Not `await`: a fresh entry resolves synchronously.
    const resolveFrom = (entry: CachedVm | undefined): Resolution => {
      const resolution = this.#resolveFrom(entry, name, path, cookies);
      const hasEnded = isRefused(resolution) && this.#options.tickets.hasEnded(cookies, { vmId, name });
      return hasEnded ? { kind: 'ended' } : resolution;
    };
    return cached instanceof Promise ? cached.then(resolveFrom) : resolveFrom(cached);
  }

  /** The VM of an address, as the holder of these cookies may see it; undefined if they may not. */
  async findView(scope: TicketScope, cookies: OwnCookies): Promise<VmView | undefined> {
    const vm = (await this.#vms.get(scope.vmId))?.vm;
    if (vm === undefined) return undefined;
    const ticket = this.#findTicket(vm, cookies, scope);
    const isPublic = vm.mappings.some(({ name, visibility }) => name === scope.name && visibility === 'PUBLIC');
    return ticket !== undefined || isPublic ? { vm, ticket } : undefined;
  }

  /** Whether the address can be resolved without a read for a stranger: it is cached, or the client has a ticket. */
  isKnown(scope: TicketScope, cookies: OwnCookies): boolean {
    return this.#vms.isKnown(scope.vmId) || this.#options.tickets.find(cookies, scope) !== undefined;
  }

  /** Ends everything that runs on a container, because the engine reports that it is gone. */
  dropContainer(vmId: string, ref: string): void {
    this.#vms.dropContainer(vmId, ref);
  }

  close(): void {
    this.#vms.close();
  }

  #resolveFrom(cached: CachedVm | undefined, name: string | undefined, path: string, cookies: OwnCookies): Resolution {
    if (cached === undefined) return { kind: 'not-found' };
    const { vm } = cached;
    cached.usedAt = performance.now();
    const route = matchRoute(vm, this.#options.catalog.distributions.get(vm.distribution), name, path);
    if (route === undefined && name !== undefined) return { kind: 'not-found' };
    const ticket = this.#findTicket(vm, cookies, { vmId: vm.id, name });
    if (route?.isPublic !== true && ticket === undefined) return { kind: 'denied' };
    const view = { vm, ticket };
    if (route === undefined) return unavailable(view);
    if (route.protocol === 'tcp') {
      return {
        kind: 'not-http',
        port: route.port,
        address: forwardAddressOf(this.#options.forward, vm, 'tcp', route.port),
        view,
      };
    }
    if (route.key !== '' && path === route.key) return { kind: 'moved', path: `${path}/` };
    const target = findUpstream(cached, route);
    if (target === undefined) return unavailable(view);
    return { kind: 'upstream', target, ticket: route.isPublic ? undefined : ticket, holder: ticket };
  }

  #findTicket(vm: Vm, cookies: OwnCookies, scope: TicketScope): Ticket | undefined {
    const ticket = cookies.size === 0 ? undefined : this.#options.tickets.find(cookies, scope);
    return ticket?.userId === vm.userId ? ticket : undefined;
  }
}

/** The open upstream of a route, or a new one if the VM is up. */
function findUpstream({ vm, upstreams, goneUntil }: CachedVm, route: AppRoute): Upstream | undefined {
  const known = upstreams.find(route);
  if (known !== undefined) return known;
  const endpoint = goneUntil > performance.now() ? undefined : findEndpoint(vm, route);
  return endpoint === undefined ? undefined : upstreams.open(vm.id, endpoint);
}

function unavailable(view: VmView): Resolution {
  const { status } = view.vm;
  if (isBooting(status))
    return { kind: 'unavailable', retryAfterSeconds: 2, message: 'This VM is starting; try again shortly.', view };
  if (status === 'STOPPED' || status === 'STOPPING') {
    return { kind: 'unavailable', retryAfterSeconds: 30, message: 'This VM is stopped.', view };
  }
  return { kind: 'unavailable', retryAfterSeconds: 10, message: 'This VM is not available at the moment.', view };
}
