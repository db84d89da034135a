import type { CallHandle } from './app-sockets.ts';
import { holdExchange, type Exchange } from './hold-exchange.ts';
import { answerPlain } from './plain-answer.ts';
import { pathFor } from './relay.ts';

/** What may be sent twice may meet a kept connection, since the app may be closing that one just now. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** How far a response may be ahead of its client: the next piece is read while the last one is written. */
const AHEAD_BYTES = 256 * 1024;
const SMALL_BYTES = 16 * 1024;
const SENDABLE_PATH = /^[\x21-\xff]+$/;

interface CallExchange extends Exchange {
  /** The headers of the request, as the app is to see them; undefined where they cannot be written. */
  readonly lines: string | undefined;
}

/** `relay` for a request without a body, which nearly all are: over the kept connections, by a client that knows no more than that. */
export function relayCall(exchange: CallExchange): void {
  const { req, res, target, pool, lines } = exchange;
  const method = req.method ?? 'GET';
  const path = pathFor(target, req.url ?? '/');
  if (lines === undefined || !SENDABLE_PATH.test(path)) {
    answerPlain(res, 400, 'The request has characters that cannot be passed on.');
    return;
  }
  const head = `${method} ${path} HTTP/1.1\r\n${lines}Connection: keep-alive\r\n\r\n`;
  let handle: CallHandle | undefined;
  const { isOver, finish, fail } = holdExchange(exchange, () => handle?.abort());

  /** The last piece, until it is known whether another follows: the end goes along with it. */
  let waiting: Buffer | undefined;
  let hasBegun = false;
  /** Text joins the headers in one write to the kernel, which costs more than all else here; a large piece is better not copied. */
  const take = (chunk: Buffer): Buffer | string => (hasBegun || chunk.length > SMALL_BYTES ? chunk : chunk.toString('latin1'));
  const pass = () => {
    if (waiting === undefined) return;
    const isAhead = !res.write(take(waiting), 'latin1') && res.writableLength > AHEAD_BYTES;
    waiting = undefined;
    hasBegun = true;
    if (!isAhead) return;
    handle?.pause();
    if (res.listenerCount('drain') === 0) res.once('drain', () => handle?.resume());
  };

  const send = (kept: boolean) => {
    handle = pool.send(
      head,
      { isHead: method === 'HEAD', kept },
      {
        onHead({ status, reason, headers: answered }) {
          try {
            res.writeHead(status, reason, answered);
          } catch {
            fail('The app sent a response that cannot be passed on.', 'INVALID_RESPONSE');
            return;
          }
        },
        onBody(chunk) {
          pass();
          waiting = chunk;
        },
        onWait() {
          pass();
          if (hasBegun || !res.headersSent) return;
          // The first event of a stream may be minutes away.
          res.flushHeaders();
          hasBegun = true;
        },
        onEnd() {
          finish();
          res.end(waiting === undefined ? '' : take(waiting), 'latin1');
        },
        onFail(error: NodeJS.ErrnoException, isUntouched) {
          if (kept && isUntouched && !isOver()) send(false);
          else fail('The app does not answer.', error.code ?? error.message);
        },
      },
    );
  };
  send(IDEMPOTENT.has(method));
}
