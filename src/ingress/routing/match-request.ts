import type { IncomingMessage } from 'node:http';
import { ABSOLUTE_TARGET, onlyHostOf } from '../../http/request-target.ts';
import type { HostMatch } from './vm-host.ts';

/**
 * Whose address a request names, read from all that names one: exactly one Host header, and, in the absolute form
 * (`GET http://host/path`), a target that agrees with it. The one place where a host decides who serves a request; `hostOf` is `parseVmHost`.
 */
export function matchRequest(req: Pick<IncomingMessage, 'url' | 'rawHeaders'>, hostOf: (header: string) => HostMatch): HostMatch {
  const host = onlyHostOf(req.rawHeaders);
  if (host === undefined) return { kind: 'foreign' };
  const target = req.url ?? '';
  const authority = target.startsWith('/') ? undefined : ABSOLUTE_TARGET.exec(target)?.[1];
  const agrees = authority === undefined ? target.startsWith('/') || target === '*' : authority.toLowerCase() === host.toLowerCase();
  return agrees ? hostOf(host) : { kind: 'foreign' };
}
