import type { IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import { requestIdOf } from '../../http/request/request-id.ts';
import type { Log } from '../../log.ts';
import type { Credentials } from '../headers/credentials.ts';
import type { Resolution } from '../routing/resolution.ts';
import type { AppSignIns } from '../sign-in/app-sign-ins.ts';

interface SignInTools {
  readonly signIns?: Pick<AppSignIns, 'find'>;
  readonly log: Log;
}

/** What signs the client in to the app; undefined if the app asks. */
export function findCredentials(
  { signIns, log }: SignInTools,
  req: IncomingMessage,
  { target, ticket, vmVersion = 0 }: Extract<Resolution, { kind: 'upstream' }>,
  { app, from }: { app: Dispatcher; from: string },
): Credentials | undefined | Promise<Credentials | undefined | 'unavailable'> {
  const { vmId, signIn } = target;
  if (signIns === undefined || signIn === undefined || ticket?.signsIn !== true) return undefined;
  // The answer to a TRACE repeats the request.
  if (req.method === 'TRACE') return undefined;
  const found = signIns.find({ target, signIn, ticket, vmVersion, from, app });
  if (!(found instanceof Promise)) return found;
  return found.catch((err: unknown) => {
    if (!isDatabaseUnavailable(err))
      log.error({ requestId: requestIdOf(req), vmId, err }, 'failed to sign a client in to an app');
    return 'unavailable';
  });
}
