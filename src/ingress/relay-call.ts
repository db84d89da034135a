import type { CallHandle } from './app-sockets.ts';
import { responseHeaders } from './forward-headers.ts';
import { holdExchange, type Exchange } from './hold-exchange.ts';
import { answerPlain } from './plain-answer.ts';
import { pathFor } from './relay.ts';

/** What may be sent twice may meet a kept connection, since the app may be closing that one just now. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** How far a response may be ahead of its client: the next piece is read while the last one is written. */
const AHEAD_BYTES = 256 * 1024;
const SMALL_BYTES = 16 * 1024;
const SENDABLE_PATH = /^[\x21-\xff]+$/;
const SENDABLE_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** `relay` for a request without a body, which nearly all are: over the kept connections, by a client that knows no more than that. */
export function relayCall(exchange: Omit<Exchange, 'onUpgrade'>): void {
  const { req, res, target, pool, headers } = exchange;
  const method = req.method ?? 'GET';
  const head = headOf(method, pathFor(target, req.url ?? '/'), headers);
  if (head === undefined) {
    answerPlain(res, 400, 'The request has characters that cannot be passed on.');
    return;
  }
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
        onHead({ status, reason, rawHeaders }) {
          try {
            res.writeHead(status, reason, responseHeaders(rawHeaders));
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
          if (waiting === undefined) res.end();
          else res.end(take(waiting), 'latin1');
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

/** The request's bytes; undefined when there is something in it that would not stay where it is put. */
function headOf(method: string, path: string, headers: readonly string[]): string | undefined {
  if (!SENDABLE_PATH.test(path)) return undefined;
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const value = headers[at + 1] ?? '';
    if (!SENDABLE_VALUE.test(value)) return undefined;
    head += `${headers[at] ?? ''}: ${value}\r\n`;
  }
  return `${head}Connection: keep-alive\r\n\r\n`;
}
