import type { SignIn } from '../../catalog/sign-in.ts';
import type { Vm } from '../../vm/vm.ts';
import type { Ticket } from '../access/ticket.ts';
import type { EndedAccess } from '../pages/answer-access-ended.ts';

/** A port of one container, until `signal` aborts. */
export interface Upstream {
  readonly vmId: string;
  /** The container's id. Connections are kept per container, so a reused address never gets one of its predecessor. */
  readonly ref: string;
  readonly region: string;
  /** The node that has the host's address; undefined on a single engine. */
  readonly node: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Certificates of https apps are self-signed and not verified. */
  readonly scheme: 'http' | 'https';
  /** How the gateway signs the holder of an access in to the app; undefined if the app asks. */
  readonly signIn?: SignIn | undefined;
  /** A path prefix that the app does not know: it is removed from the path and sent as X-Forwarded-Prefix. */
  readonly strip?: string | undefined;
  /**
   * Aborts when the upstream becomes invalid (VM stopped, container replaced, mapping removed). It belongs to the
   * upstream and not to a request, because kept-alive connections depend on it.
   */
  readonly signal: AbortSignal;
  /**
   * The number of open requests and WebSockets, maintained by those who use the upstream. It is not evicted until it is
   * 0.
   */
  readonly load: { open: number };
}

/** A VM with the ticket of the client, which visitors of PUBLIC mappings do not have. */
export interface VmView {
  readonly vm: Vm;
  readonly ticket: Ticket | undefined;
}

export type Resolution =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'denied' }
  /** Not found or denied, to a client whose access to this address has ended. */
  | ({ readonly kind: 'ended' } & EndedAccess)
  | {
      readonly kind: 'unavailable';
      readonly retryAfterSeconds: number;
      readonly message: string;
      readonly view?: VmView;
    }
  /** A catalog route to a TCP port; `address` is its public address, undefined if its port forward was removed. */
  | { readonly kind: 'not-http'; readonly port: number; readonly address: string | undefined; readonly view: VmView }
  /** The path of a route without the trailing slash that relative URLs in its page need. */
  | { readonly kind: 'moved'; readonly path: string }
  | {
      readonly kind: 'upstream';
      readonly target: Upstream;
      /** Everything that runs through it ends with this ticket. A PUBLIC route needs none. */
      readonly ticket?: Ticket | undefined;
      /** The client's ticket, needed or not: its holder is no mere visitor. */
      readonly holder?: Ticket | undefined;
      /** Changes with the VM, its secrets included. */
      readonly vmVersion?: number;
    };

/** Whether the address leads this client nowhere: a missing one and one that is denied are answered alike. */
export function isRefused({ kind }: Resolution): boolean {
  return kind === 'not-found' || kind === 'denied';
}
