import type { Log } from '../log.ts';
import { answerPlain } from './plain-answer.ts';
import type { Reply } from './reply.ts';
import type { ReadRequest } from './request-target.ts';
import type { Upstream } from './resolution.ts';
import type { TargetPool } from './target-pools.ts';
import type { Ticket } from './tickets.ts';

/** One request, and all that it goes on with. */
export interface Exchange {
  readonly req: ReadRequest;
  readonly res: Reply;
  readonly target: Upstream;
  /** What opened the target, where something had to: the exchange ends with it. */
  readonly ticket?: Ticket | undefined;
  readonly pool: TargetPool;
  readonly log: Log;
}

/** An exchange under way, which ends once: with its response, or with its client, its app, its target or its ticket. */
export interface HeldExchange {
  readonly isOver: () => boolean;
  /** Called when the response is through, or is somebody else's to end. */
  readonly finish: () => void;
  /** Ends it with 502, or cuts a response that has begun. */
  readonly fail: (message: string, code: string) => void;
}

/** `abort` ends what was begun with the app. */
export function holdExchange({ req, res, target, ticket, pool, log }: Exchange, abort: () => void): HeldExchange {
  let over = false;
  const finish = () => {
    over = true;
    release();
    req.socket.off('close', abandon);
  };
  const abandon = () => {
    finish();
    abort();
  };
  const fail = (message: string, code: string) => {
    if (over) return;
    log.debug({ vmId: target.vmId, code }, 'A request to an app failed');
    abandon();
    answerPlain(res, 502, message);
  };
  const release = pool.hold(() => fail('The app was stopped.', 'TARGET_GONE'), ticket?.until);
  // The socket and not the response: one that waits behind another on the same connection is not told. A client may have many.
  req.socket.setMaxListeners(0).on('close', abandon);
  return { isOver: () => over, finish, fail };
}
