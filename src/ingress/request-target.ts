import type { IncomingMessage } from 'node:http';
import { parseVmHost, type HostMatch } from './vm-host.ts';

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i;

/** Every Host header as it came: Node's parser lets several through and shows the first. */
export function hostsOf(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'host');
}

/**
 * Whose address a request names, read from all that names one: exactly one Host header, and, in the absolute form
 * (`GET http://host/path`), a target that agrees with it. The one place where a host decides who serves a request.
 */
export function matchRequest(req: Pick<IncomingMessage, 'url' | 'rawHeaders'>, baseDomain: string): HostMatch {
  const hosts = hostsOf(req.rawHeaders);
  if (hosts.length !== 1) return { kind: 'foreign' };
  const target = req.url ?? '';
  const authority = ABSOLUTE.exec(target)?.[1];
  const agrees = authority === undefined ? target.startsWith('/') || target === '*' : authority.toLowerCase() === hosts[0]?.toLowerCase();
  return agrees ? parseVmHost(hosts[0], baseDomain) : { kind: 'foreign' };
}

/** The target as an origin server expects it: path and query, without scheme and authority. */
export function originForm(target: string): string {
  const rest = target.replace(ABSOLUTE, '');
  return rest.startsWith('/') || rest === '*' ? rest : `/${rest}`;
}

/** True when a body follows the headers, be it one of unknown length. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Why a request that Node's parser accepted is still not forwarded; undefined when it is. */
export function flawOf(req: IncomingMessage): { readonly status: number; readonly message: string } | undefined {
  if (hostsOf(req.rawHeaders).length !== 1) return { status: 400, message: 'Send exactly one Host header.' };
  const coding = req.headers['transfer-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined;
  // Forwarding undoes the transfer coding; one that is not undone would reach the app unlabelled.
  return { status: 501, message: 'The only transfer coding accepted here is "chunked".' };
}

/** For the server's `shouldUpgradeCallback` too: `Upgrade: h2c` (curl, Java's client) must stay a plain request. */
export function isWebSocketUpgrade({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}
