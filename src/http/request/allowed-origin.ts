import type { Config } from '../../config/config.ts';

/** The origins whose pages may use the API. */
export interface OriginRule {
  /** Origins as browsers send them, such as `https://app.example.org`; `*` allows any. */
  readonly allowed: ReadonlySet<string>;
  readonly publicScheme: 'http' | 'https';
  readonly baseDomain: string;
  /**
   * Allows pages of the client's own machine, such as those of development servers, on all ports but these: there, the
   * pages are those of VMs. Undefined in production.
   */
  readonly loopbackExcept: { readonly from: number; readonly to: number } | undefined;
}

export function originRuleOf({ allowedOrigins, publicScheme, baseDomain, forward, production }: Config): OriginRule {
  return { allowed: allowedOrigins, publicScheme, baseDomain, loopbackExcept: production ? undefined : forward };
}

/**
 * Whether a request with this Origin header may be answered to its page, and may open a WebSocket. Allowed are clients
 * that send none (they are not browsers), pages of the gateway's own address, and the configured origins. Pages of VMs
 * are on subdomains, so their origin is foreign: they must not act on behalf of their visitors.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, rule: OriginRule): boolean {
  if (origin === undefined || rule.allowed.has('*') || rule.allowed.has(origin)) return true;
  if (origin === `${rule.publicScheme}://${rule.baseDomain}`) return true;
  const [, authority, hostname = '', port] = /^https?:\/\/(([^/?#@\s:]+|\[[^\]]+\])(?::(\d+))?)$/.exec(origin) ?? [];
  if (authority === undefined) return false;
  // Compare without the scheme: a proxy in front may terminate TLS.
  if (authority === host?.toLowerCase()) return true;
  const { loopbackExcept } = rule;
  if (loopbackExcept === undefined || !LOOPBACK.has(hostname)) return false;
  return !(Number(port) >= loopbackExcept.from && Number(port) <= loopbackExcept.to);
}

/** Without their subdomains, which are VMs. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
