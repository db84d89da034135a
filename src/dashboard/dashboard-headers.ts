/**
 * The headers of every reply of the dashboard. Its scripts and styles are files of the gateway, it speaks to the
 * gateway and the issuer of its tokens only, no page frames it, and nothing turns text into markup or script. The one
 * policy of trusted types names one script, the service worker that renews tokens.
 */
export function dashboardHeaders(issuer: string | undefined): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${issuer === undefined ? '' : ` ${new URL(issuer).origin}`}`,
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types renewal-worker',
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    // Apps open in windows of their own, which must not reach back; `window.open` still has to return the window.
    'cross-origin-opener-policy': 'same-origin-allow-popups',
    'permissions-policy': 'clipboard-write=(self)',
    'x-frame-options': 'DENY',
  };
}
