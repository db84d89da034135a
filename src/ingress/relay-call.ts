import { createSlabs } from '../lib/slabs.ts';
import { READ_BYTES, type AppCall, type CallHandle } from './app-sockets.ts';
import { HeldExchange, type Exchange } from './held-exchange.ts';
import { answerPlain } from './plain-answer.ts';
import { pathFor } from './relay.ts';
import type { ResponseHead } from './response-head.ts';

/** What may be sent twice may meet a kept connection, since the app may be closing that one just now. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** How far a response may be ahead of its client: the next piece is read while the last one is written. */
const AHEAD_BYTES = 256 * 1024;
const SMALL_BYTES = 16 * 1024;
const slabs = createSlabs({ bytes: READ_BYTES, kept: 32 });
const SENDABLE_PATH = /^[\x21-\xff]+$/;

/** `relay` for a request without a body, which nearly all are: over the kept connections, by a client that knows no more than that. */
export function relayCall(exchange: Exchange): void {
  const { req, res, facts, target } = exchange;
  const method = req.method ?? 'GET';
  const path = pathFor(target, req.url ?? '/');
  const lines = facts.linesFor(target.strip);
  if (lines === undefined || !SENDABLE_PATH.test(path)) {
    answerPlain(res, 400, 'The request has characters that cannot be passed on.');
    return;
  }
  const head = `${method} ${path} HTTP/1.1\r\n${lines}Connection: keep-alive\r\n\r\n`;
  new RelayedCall(exchange, head).send(IDEMPOTENT.has(method));
}

/** A request on its way, and its answer on the way back. */
class RelayedCall implements AppCall {
  readonly #exchange: Exchange;
  readonly #head: string;
  readonly #held: HeldExchange;
  #handle: CallHandle | undefined;
  #mayMeetKept = false;
  /** The last piece, until it is known whether another follows: the end goes along with it. Not longer than its memory is lent. */
  #waiting: Buffer | undefined;
  #hasBegun = false;

  constructor(exchange: Exchange, head: string) {
    this.#exchange = exchange;
    this.#head = head;
    this.#held = new HeldExchange(exchange, this);
  }

  send(kept: boolean): void {
    const { req, pool } = this.#exchange;
    this.#mayMeetKept = kept;
    this.#handle = pool.send(this.#head, { isHead: req.method === 'HEAD', kept }, this);
  }

  abort(): void {
    this.#handle?.abort();
  }

  onHead({ status, reason, headers }: ResponseHead): void {
    try {
      this.#exchange.res.writeHead(status, reason, headers);
    } catch {
      this.#held.fail('The app sent a response that cannot be passed on.', 'INVALID_RESPONSE');
    }
  }

  onBody(chunk: Buffer): void {
    this.#pass();
    this.#waiting = chunk;
  }

  onWait(): void {
    this.#pass();
    const { res } = this.#exchange;
    if (this.#hasBegun || !res.headersSent) return;
    // The first event of a stream may be minutes away.
    res.flushHeaders();
    this.#hasBegun = true;
  }

  onEnd(): void {
    const { res } = this.#exchange;
    const last = this.#waiting;
    this.#held.finish();
    if (last === undefined || last.length <= SMALL_BYTES) return void res.end(last?.toString('latin1') ?? '', 'latin1');
    this.#write(last);
    res.end('', 'latin1');
  }

  onFail(error: NodeJS.ErrnoException, isUntouched: boolean): void {
    if (this.#mayMeetKept && isUntouched && !this.#held.isOver) this.send(false);
    else this.#held.fail('The app does not answer.', error.code ?? error.message);
  }

  #pass(): void {
    if (this.#waiting === undefined) return;
    const { res } = this.#exchange;
    const isAhead = !this.#write(this.#waiting) && res.writableLength > AHEAD_BYTES;
    this.#waiting = undefined;
    this.#hasBegun = true;
    if (!isAhead) return;
    this.#handle?.pause();
    if (res.listenerCount('drain') === 0) res.once('drain', () => this.#handle?.resume());
  }

  /** A copy of it. Text joins the headers in one write to the kernel, which costs more than all else here; a large piece is better no text. */
  #write(chunk: Buffer): boolean {
    const { res } = this.#exchange;
    if (chunk.length <= SMALL_BYTES) return res.write(chunk.toString('latin1'), 'latin1');
    const { bytes, giveBack } = slabs.copy(chunk);
    return res.write(bytes, 'latin1', (error) => error ?? giveBack());
  }
}
