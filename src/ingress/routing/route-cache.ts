import { isBooting } from '../../vm/vm-status.ts';
import { forwardAddressOf, type ForwardSettings } from '../../vm/networking/port-forward.ts';
import type { OwnCookies } from '../access/own-cookies.ts';
import type { AccessScope } from '../../vm/access/vm-access.ts';
import { EndedAccesses } from '../access/ended-accesses.ts';
import type { Ticket } from '../access/ticket.ts';
import type { TicketClaim, Tickets } from '../access/tickets.ts';
import type { CachedVm } from './cached-vm.ts';
import { findEndpoint, matchRoute, type AppRoute } from './match-route.ts';
import { isRefused, type Resolution, type Upstream, type VmView } from './resolution.ts';
import { VmCache, type VmCacheOptions } from './vm-cache.ts';

interface RouteCacheOptions extends VmCacheOptions {
  readonly forward: Pick<ForwardSettings, 'hostOf'>;
  readonly tickets: Tickets;
  /** Of the dashboard; undefined without one. */
  readonly dashboardUrl: string | undefined;
}

/**
 * Resolves the addresses of VMs from cached rows.
 *
 * INVARIANTS
 * - A private route resolves only with an open access to this address.
 * - Without one, a client cannot tell a private route from a VM that does not exist.
 * - An upstream leads to the container of a row that is at most 900 ms old (see `VmCache`).
 */
export class RouteCache {
  readonly #options: RouteCacheOptions;
  readonly #vms: VmCache;
  readonly #ended = new EndedAccesses();

  constructor(options: RouteCacheOptions) {
    this.#options = options;
    this.#vms = new VmCache(options);
  }

  /**
   * Decides where a request for a VM's address goes. `name` is the mapping's, undefined for the VM's own address;
   * `path` is as it was sent; `cookies` are empty if a page of another origin sent the request.
   */
  resolve(vmId: string, name: string | undefined, path: string, cookies: OwnCookies): Resolution | Promise<Resolution> {
    const scope = { vmId, name };
    const claims = this.#options.tickets.claimsOf(cookies, scope);
    const entry = this.#vms.get(vmId);
    // Not `await`: a fresh entry resolves synchronously.
    if (!(entry instanceof Promise) && this.#knowsAll(entry, claims))
      return this.#resolveFrom(entry, scope, path, claims);
    return this.#getKnowing(scope, claims).then((found) => this.#resolveFrom(found, scope, path, claims));
  }

  /** The VM of an address, as the holder of these cookies may see it; undefined if they may not. */
  async findView(scope: AccessScope, cookies: OwnCookies): Promise<VmView | undefined> {
    const claims = this.#options.tickets.claimsOf(cookies, scope);
    const entry = await this.#getKnowing(scope, claims);
    if (entry === undefined) return undefined;
    const { vm } = entry;
    const ticket = findTicket(entry, claims);
    const isPublic = vm.mappings.some(({ name, visibility }) => name === scope.name && visibility === 'PUBLIC');
    return ticket !== undefined || isPublic ? { vm, ticket } : undefined;
  }

  /** Whether the address can be resolved without a read for a stranger: it is cached, or the client has a ticket. */
  isKnown(scope: AccessScope, cookies: OwnCookies): boolean {
    return this.#vms.isKnown(scope.vmId) || this.#options.tickets.hasClaim(cookies, scope);
  }

  /** Ends everything that runs on a container, because the engine reports that it is gone. */
  dropContainer(vmId: string, ref: string): void {
    this.#vms.dropContainer(vmId, ref);
  }

  close(): void {
    this.#vms.close();
  }

  /** Reads a VM again, an access to which was opened here. */
  readAgain(vmId: string): void {
    this.#vms.invalidate(vmId);
  }

  /** The VM's entry, read again if it lacks an access that may have been opened at another gateway just now. */
  async #getKnowing({ vmId }: AccessScope, claims: readonly TicketClaim[]): Promise<CachedVm | undefined> {
    const entry = await this.#vms.get(vmId);
    if (this.#knowsAll(entry, claims)) return entry;
    const latest = await this.#vms.read(vmId);
    for (const { hash } of claims) {
      if (latest?.accesses.find(hash) === undefined) this.#ended.add(hash);
    }
    return latest;
  }

  /** Whether each of the accesses is either in the entry or has ended. There is none to a VM that does not exist. */
  #knowsAll(entry: CachedVm | undefined, claims: readonly TicketClaim[]): boolean {
    if (entry === undefined) return true;
    return claims.every(
      ({ hash, until }) => entry.accesses.find(hash) !== undefined || until <= Date.now() || this.#ended.has(hash),
    );
  }

  #resolveFrom(
    cached: CachedVm | undefined,
    scope: AccessScope,
    path: string,
    claims: readonly TicketClaim[],
  ): Resolution {
    const resolution = this.#routeTo(cached, scope, path, claims);
    const [claim] = claims;
    if (!isRefused(resolution) || claim === undefined) return resolution;
    const { dashboardUrl } = this.#options;
    const reopenUrl = dashboardUrl === undefined ? undefined : `${dashboardUrl}/vm/${scope.vmId}`;
    return { kind: 'ended', isGuest: claim.isGuest, isOver: claim.until <= Date.now(), reopenUrl };
  }

  #routeTo(
    cached: CachedVm | undefined,
    { name }: AccessScope,
    path: string,
    claims: readonly TicketClaim[],
  ): Resolution {
    if (cached === undefined) return { kind: 'not-found' };
    const { vm } = cached;
    cached.usedAt = performance.now();
    const route = matchRoute(vm, this.#options.catalog.distributions.get(vm.distribution), name, path);
    if (route === undefined && name !== undefined) return { kind: 'not-found' };
    const ticket = findTicket(cached, claims);
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
    const needed = route.isPublic ? undefined : ticket;
    return { kind: 'upstream', target, ticket: needed, holder: ticket, vmVersion: vm.lastEventSeq };
  }
}

function findTicket({ accesses }: CachedVm, claims: readonly TicketClaim[]): Ticket | undefined {
  for (const { hash } of claims) {
    const ticket = accesses.find(hash);
    if (ticket !== undefined) return ticket;
  }
  return undefined;
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
