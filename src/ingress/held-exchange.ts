import type { Log } from '../log.ts';
import { answerPlain } from './plain-answer.ts';
import type { Reply } from './reply.ts';
import type { RequestFacts } from './request-facts.ts';
import type { ReadRequest } from './request-target.ts';
import type { Upstream } from './resolution.ts';
import type { Held, TargetPool } from './target-pools.ts';
import type { Ticket } from './tickets.ts';

/** One request with a target to go to, and all that it goes on with. */
export interface Exchange<Req extends ReadRequest = ReadRequest, Res extends Reply = Reply> {
  readonly req: Req;
  readonly res: Res;
  readonly facts: RequestFacts;
  readonly target: Upstream;
  /** What opened the target, where something had to: the exchange ends with it. */
  readonly ticket: Ticket | undefined;
  /** The sockets to the target. */
  readonly pool: TargetPool;
  readonly log: Log;
}

/** An exchange under way, which ends once: with its response, or with its client, its app, its target or its ticket. */
export class HeldExchange implements Held {
  readonly #exchange: Exchange;
  readonly #withApp: { abort(): void };
  readonly until: number | undefined;
  place = -1;
  #isOver = false;

  /** `withApp` is what was begun with the app. */
  constructor(exchange: Exchange, withApp: { abort(): void }) {
    this.#exchange = exchange;
    this.#withApp = withApp;
    this.until = exchange.ticket?.until;
    exchange.pool.hold(this);
    // The socket and not the response: one that waits behind another on the same connection is not told. A client may have many.
    exchange.req.socket.setMaxListeners(0).on('close', this.#abandon);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Called when the response is through, or is somebody else's to end. */
  finish(): void {
    const { pool, req } = this.#exchange;
    this.#isOver = true;
    pool.release(this);
    req.socket.off('close', this.#abandon);
  }

  end(): void {
    this.fail('The app was stopped.', 'TARGET_GONE');
  }

  /** Ends it with 502, or cuts a response that has begun. */
  fail(message: string, code: string): void {
    if (this.#isOver) return;
    const { log, target, res } = this.#exchange;
    log.debug({ vmId: target.vmId, code }, 'A request to an app failed');
    this.#abandon();
    answerPlain(res, 502, message);
  }

  readonly #abandon = (): void => {
    this.finish();
    this.#withApp.abort();
  };
}
