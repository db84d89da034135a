import type { IncomingMessage } from 'node:http';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import { pathOf } from '../../http/request/path-of.ts';
import { requestIdOf } from '../../http/request/request-id.ts';
import { originForm } from '../../http/request/request-target.ts';
import type { Log } from '../../log.ts';
import type { OwnCookies } from '../access/own-cookies.ts';
import type { Resolution } from '../routing/resolution.ts';
import type { RouteCache } from '../routing/route-cache.ts';
import type { HostMatch } from '../routing/vm-host.ts';

export const CANNOT_LOOK_UP = 'The gateway cannot look this up now; try again shortly.';

interface Lookup {
  readonly routes: Pick<RouteCache, 'resolve'>;
  readonly log: Log;
}

/** Where a request goes. `unavailable` if that cannot be read, or not within `ms`. */
export function resolveInTime(
  { routes, log }: Lookup,
  req: IncomingMessage,
  { vmId, name }: Extract<HostMatch, { kind: 'vm' }>,
  cookies: OwnCookies,
  ms: number,
): Resolution | Promise<Resolution> {
  const resolution = routes.resolve(vmId, name, pathOf(originForm(req.url ?? '/')), cookies);
  if (!(resolution instanceof Promise)) return resolution;
  return withinDeadline(resolution, ms).catch((err: unknown) => {
    if (!isDatabaseUnavailable(err))
      log.error({ requestId: requestIdOf(req), vmId, err }, 'failed to look up the address of a VM');
    return { kind: 'unavailable', retryAfterSeconds: 2, message: CANNOT_LOOK_UP };
  });
}

async function withinDeadline(resolution: Promise<Resolution>, ms: number): Promise<Resolution> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No answer within ${ms} ms.`)), ms);
  try {
    return await Promise.race([resolution, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
