import type { OwnCookies } from './own-cookies.ts';

/** Where a request may go: a port of one container, for as long as `signal` has not aborted. */
export interface Upstream {
  readonly vmId: string;
  /** The container's id. Sockets are kept per ref: an address that passes on to another container never meets an old one. */
  readonly ref: string;
  readonly host: string;
  readonly port: number;
  /** Certificates of https apps are self-signed and not verified. */
  readonly scheme: 'http' | 'https';
  /**
   * Aborts when this target stops being valid (VM stopped, container replaced, mapping gone). One signal for as long as the
   * target stands, not one per request: kept-alive sockets belong to it.
   */
  readonly signal: AbortSignal;
}

export type Resolution =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number; readonly message: string }
  | { readonly kind: 'upstream'; readonly target: Upstream };

/**
 * Decides where a request for a VM's address goes. `name` is the mapping's, undefined for the VM's own address. `cookies` are
 * the gateway's own, and none when another origin's page made the request.
 */
export type Resolve = (vmId: string, name: string | undefined, cookies: OwnCookies) => Promise<Resolution>;
