import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of another origin sent this request, other than by a link that opens in a tab or window. VMs are
 * siblings under one domain, so SameSite does not prevent one VM's page from sending a visitor's cookies to another VM,
 * nor from showing it in a frame. Sec-Fetch-Site takes precedence, because a same-origin form may have `Origin: null`.
 */
export function isCrossOrigin({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site === 'same-origin' || site === 'none') return false;
    // The destination of a frame is `iframe`, `frame`, `embed` or `object`.
    const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
    return !(isLink && (method === 'GET' || method === 'HEAD'));
  }
  if (headers.origin === undefined) return false;
  // Compare without ports: a proxy in front may use others, and cookies ignore them, too.
  const origin = URL.parse(headers.origin)?.hostname;
  return origin === undefined || origin !== URL.parse(`http://${headers.host ?? ''}`)?.hostname;
}
