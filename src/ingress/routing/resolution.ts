import type { Vm } from '../../vm/vm.ts';
import type { OwnCookies } from '../access/own-cookies.ts';
import type { Ticket } from '../access/tickets.ts';

/** Where a request may go: a port of one container, for as long as `signal` has not aborted. */
export interface Upstream {
  readonly vmId: string;
  /** The container's id. Sockets are kept per ref: an address that passes on to another container never meets an old one. */
  readonly ref: string;
  readonly host: string;
  readonly port: number;
  /** Certificates of https apps are self-signed and not verified. */
  readonly scheme: 'http' | 'https';
  /** The path in front of which the app knows nothing: it is taken away, and told as X-Forwarded-Prefix. */
  readonly strip?: string | undefined;
  /**
   * Aborts when this target stops being valid (VM stopped, container replaced, mapping gone). One signal for as long as the
   * target stands, not one per request: kept-alive sockets belong to it.
   */
  readonly signal: AbortSignal;
  /** How many requests and WebSockets run through it now, counted by those who send them: until it is 0, the target is kept. */
  readonly load: { open: number };
}

/** A VM as whoever asks may see it; without a ticket, it is that of a visitor of a PUBLIC mapping. */
export interface Sight {
  readonly vm: Vm;
  readonly ticket: Ticket | undefined;
}

export type Resolution =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number; readonly message: string; readonly sight?: Sight }
  /** A route of the catalog that leads to a port which speaks no HTTP; `address` is where it is reached, undefined when its forward was removed. */
  | { readonly kind: 'not-http'; readonly port: number; readonly address: string | undefined; readonly sight: Sight }
  /** The route's own path, without the slash that relative addresses in its page need. */
  | { readonly kind: 'moved'; readonly path: string }
  /** `ticket` is what opened it; whatever runs through it ends with it. */
  | { readonly kind: 'upstream'; readonly target: Upstream; readonly ticket?: Ticket | undefined };

/**
 * Decides where a request for a VM's address goes. `name` is the mapping's, undefined for the VM's own address. `path` is as it was
 * sent. `cookies` are the gateway's own, and none when another origin's page made the request. At once, where all is known.
 */
export type Resolve = (vmId: string, name: string | undefined, path: string, cookies: OwnCookies) => Resolution | Promise<Resolution>;
