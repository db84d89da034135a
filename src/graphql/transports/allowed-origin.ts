/** The origins whose pages may open a WebSocket. */
export interface OriginRule {
  /** Origins as browsers send them, such as `https://app.example.org`; `*` allows any. */
  readonly allowed: ReadonlySet<string>;
  readonly publicScheme: 'http' | 'https';
  readonly baseDomain: string;
}

/**
 * Whether a WebSocket may be opened with this Origin header. Allowed are clients that send none (they are not
 * browsers), pages of the gateway's own address, and the configured origins. Pages of VMs are on subdomains, so their
 * origin is foreign: they must not act on behalf of their visitors.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, rule: OriginRule): boolean {
  if (origin === undefined || rule.allowed.has('*') || rule.allowed.has(origin)) return true;
  if (origin === `${rule.publicScheme}://${rule.baseDomain}`) return true;
  const [, scheme, authority] = /^(https?):\/\/([^/?#@\s]+)$/.exec(origin) ?? [];
  // Compare without the scheme: a proxy in front may terminate TLS.
  return scheme !== undefined && authority === host?.toLowerCase();
}
