import type { IncomingMessage } from 'node:http';

/**
 * True when a browser says that another origin's page made this request, other than by following a link. VMs are siblings
 * under one domain, so SameSite does not keep one VM's page from sending a visitor's cookies to another VM: such a request
 * must not profit from them. Sec-Fetch-Site is trusted first, since a page's own form may carry `Origin: null`.
 */
export function isCrossOrigin({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site === 'same-origin' || site === 'none') return false;
    return !(headers['sec-fetch-mode'] === 'navigate' && (method === 'GET' || method === 'HEAD'));
  }
  if (headers.origin === undefined) return false;
  // Without ports: a proxy in front may use others, and cookies do not tell them apart either.
  const origin = URL.parse(headers.origin)?.hostname;
  return origin === undefined || origin !== URL.parse(`http://${headers.host ?? ''}`)?.hostname;
}
