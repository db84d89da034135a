import type { IncomingMessage } from 'node:http';
import { ABSOLUTE_TARGET, onlyHostOf } from '../../http/request/request-target.ts';
import type { HostMatch } from './vm-host.ts';

/**
 * Matches the host of a request: it needs exactly one Host header, and a target in absolute form (`GET
 * http://host/path`) must name the same host. All decisions by host are made here. `hostOf` is `parseVmHost`.
 */
export function matchRequest(
  req: Pick<IncomingMessage, 'url' | 'rawHeaders'>,
  hostOf: (header: string) => HostMatch,
): HostMatch {
  const host = onlyHostOf(req.rawHeaders);
  if (host === undefined) return { kind: 'foreign' };
  const target = req.url ?? '';
  const authority = target.startsWith('/') ? undefined : ABSOLUTE_TARGET.exec(target)?.[1];
  const agrees =
    authority === undefined ? target.startsWith('/') || target === '*' : authority.toLowerCase() === host.toLowerCase();
  return agrees ? hostOf(host) : { kind: 'foreign' };
}
