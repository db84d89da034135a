/** Which pages may open a socket. */
export interface OriginRule {
  /** As browsers write them: `https://app.example.org`; `*` is any. */
  readonly allowed: ReadonlySet<string>;
  readonly publicScheme: 'http' | 'https';
  readonly baseDomain: string;
}

/**
 * Whether a WebSocket may be opened with this Origin: by a client that is no browser and sends none, by a page of the gateway's own
 * address, and by those that the operator names. A VM's page comes from a subdomain, and so from a foreign origin: whoever makes a
 * visitor open it must not speak for that visitor.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, rule: OriginRule): boolean {
  if (origin === undefined || rule.allowed.has('*') || rule.allowed.has(origin)) return true;
  if (origin === `${rule.publicScheme}://${rule.baseDomain}`) return true;
  const [, scheme, authority] = /^(https?):\/\/([^/?#@\s]+)$/.exec(origin) ?? [];
  // Behind a proxy that ends TLS the scheme that the browser sees is not the one seen here.
  return scheme !== undefined && authority === host?.toLowerCase();
}
