import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Duplex, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { requestIdOf } from '../../http/request-id.ts';
import type { Log } from '../../log.ts';
import { answerPlain } from '../../http/plain-answer.ts';
import { hasBody, originForm } from '../../http/request-target.ts';
import type { Upstream } from '../routing/resolution.ts';
import type { Ticket } from '../access/tickets.ts';
import { TargetGoneError, type AppPool } from './app-pools.ts';
import { responseHeaders } from './forward-headers.ts';

/** A request that is allowed to reach an app. */
export interface AppRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly target: Upstream;
  readonly pool: AppPool;
  /** The headers for the app, flat. */
  readonly headers: string[];
  /** The request ends with the ticket that allowed it. */
  readonly ticket: Ticket | undefined;
  readonly log: Log;
  /** Asks for a WebSocket, and takes it over when the app answers 101. */
  readonly onUpgrade?: (headers: readonly string[], app: Duplex) => void;
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Sends a request to the app and streams the answer back. Never throws: each failure becomes an answer, or cuts one that has begun. */
export function forwardToApp(request: AppRequest): void {
  new AppExchange(request).send();
}

/**
 * One request and its answer. Invariants:
 * - It ends once: with the answer, or when the client, the app, the target or the ticket goes.
 * - A body is read at the pace of the side that takes it.
 * - A request without a body that may be sent twice is sent again, once and on a new connection, when its connection broke before a
 *   byte of an answer: the app may have closed an idle connection just as it was used.
 */
class AppExchange implements Dispatcher.DispatchHandler {
  readonly #request: AppRequest;
  readonly #mayRepeat: boolean;
  readonly #expiry: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #hasAnswerBegun = false;
  #hasBodyBegun = false;
  #isRepeated = false;
  #isOver = false;

  constructor(request: AppRequest) {
    this.#request = request;
    const { req, target, ticket, onUpgrade } = request;
    target.load.open += 1;
    this.#mayRepeat = IDEMPOTENT.has(req.method ?? '') && !hasBody(req) && onUpgrade === undefined;
    // The socket's event and not the response's: a response that waits behind another one is not told. A client may have many of them.
    req.socket.setMaxListeners(0).once('close', this.#abort);
    if (ticket === undefined) return;
    // In whole seconds: timers of the same length are cheap.
    const leftMs = Math.max(0, Math.ceil((ticket.until - Date.now()) / 1_000)) * 1_000;
    this.#expiry = setTimeout(() => this.#fail('Your access has ended.', 'TICKET_ENDED'), Math.min(leftMs, LONGEST_TIMER_MS));
    this.#expiry.unref();
  }

  send(dispatcher: Dispatcher = this.#mayRepeat ? this.#request.pool.kept : this.#request.pool.fresh): void {
    const { req, target, headers, onUpgrade } = this.#request;
    const path = originForm(req.url ?? '/').slice(target.strip?.length ?? 0);
    const body = hasBody(req) ? bodyOf(req) : null;
    const upgrade = onUpgrade === undefined ? null : 'websocket';
    try {
      dispatcher.dispatch({ method: req.method ?? 'GET', path, headers, body, upgrade }, this);
    } catch {
      this.#fail('The request has characters that cannot be passed on.', 'INVALID_REQUEST', 400);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('The client has gone.'));
  }

  onResponseStarted(): void {
    this.#hasAnswerBegun = true;
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController, _status: number, _headers: unknown, app: Duplex): void {
    if (this.#isOver) return void app.destroy();
    this.#finish();
    this.#request.onUpgrade?.(responseHeaders(rawHeadersOf(controller)), app);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''): void {
    // Informational: the next hop is us, and the client's server has answered "100 Continue" itself.
    if (status < 200 || this.#isOver) return;
    const { res } = this.#request;
    try {
      res.writeHead(status, reason, responseHeaders(rawHeadersOf(controller)));
    } catch {
      this.#fail('The app sent a response that HTTP does not allow.', 'INVALID_RESPONSE');
      return;
    }
    // The head goes along with the first bytes of the body where they are here already; those of an event stream may be minutes away.
    setImmediate(() => {
      if (!this.#hasBodyBegun && !this.#isOver) res.flushHeaders();
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    const { res } = this.#request;
    this.#hasBodyBegun = true;
    if (res.write(chunk)) return;
    controller.pause();
    res.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#request.res.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error & { code?: string }): void {
    if (this.#isOver) return;
    const { pool, res, target } = this.#request;
    if (target.signal.aborted || error instanceof TargetGoneError) this.#fail('The app was stopped.', 'TARGET_GONE');
    else if (this.#mayRepeat && !this.#hasAnswerBegun && this.#controller !== undefined && !this.#isRepeated) {
      this.#isRepeated = true;
      this.#controller = undefined;
      this.send(pool.fresh);
    } else if (this.#hasAnswerBegun && !res.headersSent) {
      this.#fail('The app sent a response that HTTP does not allow.', error.code ?? error.name);
    } else this.#fail('The app does not answer.', error.code ?? error.name);
  }

  readonly #abort = (): void => {
    this.#finish();
    this.#controller?.abort(new Error('The client has gone.'));
  };

  #finish(): void {
    if (!this.#isOver) this.#request.target.load.open -= 1;
    this.#isOver = true;
    clearTimeout(this.#expiry);
    this.#request.req.socket.off('close', this.#abort);
  }

  /** Answers instead of the app, or cuts an answer that has begun. */
  #fail(message: string, code: string, status = 502): void {
    if (this.#isOver) return;
    const { log, target, req, res } = this.#request;
    log.debug({ requestId: requestIdOf(req), vmId: target.vmId, code }, 'a request to an app failed');
    this.#abort();
    answerPlain(res, status, message);
  }
}

/**
 * The body for the app. Not the request itself: undici destroys the body of a request that has failed, and a client that is still
 * sending must get to the answer. What the app does not take is read and thrown away.
 */
function bodyOf(req: IncomingMessage): Readable {
  const body = new PassThrough();
  body.on('error', () => undefined);
  body.once('close', () => req.unpipe(body).resume());
  return req.pipe(body);
}

/** Flat, in the app's order and case; bytes beyond ASCII stay the bytes that they are. */
function rawHeadersOf({ rawHeaders }: Dispatcher.DispatchController): string[] {
  if (!Array.isArray(rawHeaders)) return [];
  return rawHeaders.map((each) => (typeof each === 'string' ? each : each.toString('latin1')));
}
