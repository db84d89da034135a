import type { IncomingMessage, ServerResponse } from 'node:http';
import { networkOf } from '../../http/request/network-of.ts';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { TokenBuckets } from '../../lib/concurrency/token-buckets.ts';
import { countRefusal } from '../../measures.ts';

interface RefusalsOptions {
  readonly addressOf: (req: IncomingMessage) => string;
  /** Of one network, with a burst of ten seconds' worth. */
  readonly perSecond: number;
}

const BURST_SECONDS = 10;

/**
 * Limits how often a network is refused: made-up addresses cost a look-up each, and a visitor who may open something is
 * not refused. While the limit lasts, the network gets 429 wherever a look-up would be needed; what is open to it stays
 * open.
 */
export class Refusals {
  readonly #addressOf: RefusalsOptions['addressOf'];
  readonly #buckets: TokenBuckets;

  constructor({ addressOf, perSecond }: RefusalsOptions) {
    this.#addressOf = addressOf;
    this.#buckets = new TokenBuckets({ perSecond, burst: perSecond * BURST_SECONDS });
  }

  /** Answers 429 if the client has been refused too often. Call before a look-up; true if it was answered. */
  answerTooMany(req: IncomingMessage, res: ServerResponse): boolean {
    return answerWait(res, this.#buckets.waitFor(networkOf(this.#addressOf(req))));
  }

  /** Counts a refusal, and answers 429 instead of it if there were too many; true if it was answered. */
  count(req: IncomingMessage, res: ServerResponse): boolean {
    return answerWait(res, this.#buckets.take(networkOf(this.#addressOf(req))));
  }
}

function answerWait(res: ServerResponse, seconds: number): boolean {
  if (seconds === 0) return false;
  countRefusal('unknown_addresses');
  const headers = { 'Retry-After': String(Math.ceil(seconds)) };
  answerPlain(res, 429, 'Too many requests for addresses that are not here; try again later.', headers);
  return true;
}
