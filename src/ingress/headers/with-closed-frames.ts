/**
 * Headers (a flat list) with `frame-ancestors 'self'`, unless the app itself says who may frame it: a browser that does
 * not tell links from frames (Sec-Fetch-Dest, which plain http lacks) would show the app in a sibling VM's page.
 */
export function withClosedFrames(headers: string[]): string[] {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (decidesOnFrames(headers[at]?.toLowerCase() ?? '', headers[at + 1] ?? '')) return headers;
  }
  return [...headers, 'Content-Security-Policy', "frame-ancestors 'self'"];
}

/** Browsers ignore other values of X-Frame-Options. */
function decidesOnFrames(name: string, value: string): boolean {
  if (name === 'content-security-policy') return /(?:^|[;,\s])frame-ancestors(?:$|[;,\s])/i.test(value);
  return name === 'x-frame-options' && /^\s*(?:deny|sameorigin)\s*$/i.test(value);
}
