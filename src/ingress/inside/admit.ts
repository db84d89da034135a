import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessScope } from '../../vm/access/vm-access.ts';
import type { Vm } from '../../vm/vm.ts';
import type { Ticket } from '../access/ticket.ts';
import { trustedCookies } from '../access/trusted-cookies.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import { answerInsideRefused } from '../pages/answer-inside-refused.ts';
import { answerUnroutable } from '../proxy/answer-unroutable.ts';
import type { Upstream } from '../routing/resolution.ts';
import type { RouteCache } from '../routing/route-cache.ts';
import type { BootPage } from '../waiting/boot-page.ts';

/** Who may reach into a VM's container, and which one that is now. What they do there ends with both. */
export interface Admitted {
  readonly vm: Vm;
  readonly ticket: Ticket;
  readonly target: Upstream;
}

interface AdmitTools {
  readonly routes: Pick<RouteCache, 'resolve' | 'findView'>;
  readonly bootPage: Pick<BootPage, 'show'>;
}

/**
 * Lets the holder of an access with the role CONTROL at the VM's own address pass while the VM is up. Answers everybody
 * else, as they are answered at any other path, and returns undefined.
 */
export async function admit(
  { routes, bootPage }: AdmitTools,
  req: IncomingMessage,
  res: ServerResponse,
  scope: AccessScope,
): Promise<Admitted | undefined> {
  if (scope.name !== undefined) return void answerNotHere(res);
  const cookies = trustedCookies(req);
  const resolution = await routes.resolve(scope.vmId, undefined, '/', cookies);
  if (resolution.kind !== 'upstream') return void (await answerUnroutable(req, res, resolution, bootPage));
  const { target, holder: ticket } = resolution;
  const view = await routes.findView(scope, cookies);
  if (ticket === undefined || view === undefined) return void answerNotHere(res);
  if (ticket.role !== 'CONTROL') return void answerInsideRefused(res);
  return { vm: view.vm, ticket, target };
}
