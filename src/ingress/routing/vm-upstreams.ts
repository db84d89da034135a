import { endpointKey, type AppEndpoint, type AppRoute } from './match-route.ts';
import type { Upstream } from './resolution.ts';

interface OpenUpstream {
  readonly upstream: Upstream;
  readonly route: AppRoute;
  readonly endpoint: string;
  readonly ending: AbortController;
}

/**
 * The open upstreams of one VM, one per route. Connections belong to an upstream, so it is kept while its endpoint
 * stays the same.
 */
export class VmUpstreams {
  readonly #byRoute = new Map<string, OpenUpstream>();

  find({ key }: AppRoute): Upstream | undefined {
    return this.#byRoute.get(key)?.upstream;
  }

  open(vmId: string, endpoint: AppEndpoint): Upstream {
    const { key, ref, region, node, host, port, scheme, strip, signIn } = endpoint;
    const ending = new AbortController();
    const upstream: Upstream = {
      vmId,
      ref,
      region,
      node,
      host,
      port,
      scheme,
      strip,
      signIn,
      signal: ending.signal,
      load: { open: 0 },
    };
    this.#byRoute.set(key, { upstream, route: endpoint, endpoint: endpointKey(endpoint), ending });
    return upstream;
  }

  /** Ends each upstream whose route has another endpoint now, or none. */
  endStale(endpointOf: (route: AppRoute) => AppEndpoint | undefined): void {
    for (const [key, { route, endpoint, ending }] of this.#byRoute) {
      if (endpointKey(endpointOf(route)) === endpoint) continue;
      ending.abort();
      this.#byRoute.delete(key);
    }
  }

  endAll(): void {
    for (const { ending } of this.#byRoute.values()) ending.abort();
    this.#byRoute.clear();
  }

  /** Whether requests or WebSockets are open. */
  get isInUse(): boolean {
    return [...this.#byRoute.values()].some(({ upstream }) => upstream.load.open > 0);
  }
}
