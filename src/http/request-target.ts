import type { IncomingMessage } from 'node:http';

/** Its first group is the authority. */
export const ABSOLUTE_TARGET = /^https?:\/\/([^/?#]*)/i;

/** The one Host header; undefined when there is none or more than one: Node's parser lets several through and shows the first. */
export function onlyHostOf(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return undefined;
    host = rawHeaders[at + 1];
  }
  return host;
}

/** The target as an origin server expects it: path and query, without scheme and authority. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(ABSOLUTE_TARGET, '');
  return rest.startsWith('/') || rest === '*' ? rest : `/${rest}`;
}

/** True when a body follows the headers, be it one of unknown length. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Why a request that Node's parser accepted is still not forwarded; undefined when it is. */
export function flawOf(
  req: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
): { readonly status: number; readonly message: string } | undefined {
  if (onlyHostOf(req.rawHeaders) === undefined) return { status: 400, message: 'Send exactly one Host header.' };
  const coding = req.headers['transfer-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined;
  // Forwarding undoes the transfer coding; one that is not undone would reach the app unlabelled.
  return { status: 501, message: 'The only transfer coding accepted here is "chunked".' };
}

/** For the server's `shouldUpgradeCallback` too: `Upgrade: h2c` (curl, Java's client) must stay a plain request. */
export function isWebSocketUpgrade({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}
