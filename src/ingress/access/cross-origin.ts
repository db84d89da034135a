import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of another origin sent this request, other than by a link. VMs are siblings under one domain, so
 * SameSite does not prevent one VM's page from sending a visitor's cookies to another VM. Sec-Fetch-Site takes
 * precedence, because a same-origin form may have `Origin: null`.
 */
export function isCrossOrigin({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site === 'same-origin' || site === 'none') return false;
    return !(headers['sec-fetch-mode'] === 'navigate' && (method === 'GET' || method === 'HEAD'));
  }
  if (headers.origin === undefined) return false;
  // Compare without ports: a proxy in front may use others, and cookies ignore them, too.
  const origin = URL.parse(headers.origin)?.hostname;
  return origin === undefined || origin !== URL.parse(`http://${headers.host ?? ''}`)?.hostname;
}
