import type { IncomingMessage } from 'node:http';
import type { HostMatch } from './vm-host.ts';

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i;

/** The one Host header; undefined when there is none or more than one: Node's parser lets several through and shows the first. */
function onlyHostOf(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return undefined;
    host = rawHeaders[at + 1];
  }
  return host;
}

/**
 * Whose address a request names, read from all that names one: exactly one Host header, and, in the absolute form
 * (`GET http://host/path`), a target that agrees with it. The one place where a host decides who serves a request; `hostOf` is `parseVmHost`.
 */
export function matchRequest(req: Pick<IncomingMessage, 'url' | 'rawHeaders'>, hostOf: (header: string) => HostMatch): HostMatch {
  const host = onlyHostOf(req.rawHeaders);
  if (host === undefined) return { kind: 'foreign' };
  const target = req.url ?? '';
  const authority = target.startsWith('/') ? undefined : ABSOLUTE.exec(target)?.[1];
  const agrees = authority === undefined ? target.startsWith('/') || target === '*' : authority.toLowerCase() === host.toLowerCase();
  return agrees ? hostOf(host) : { kind: 'foreign' };
}

/** The target as an origin server expects it: path and query, without scheme and authority. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(ABSOLUTE, '');
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
