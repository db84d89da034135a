import type { Duplex, Readable } from 'node:stream';
import { errors, type Dispatcher } from 'undici';
import { requestIdOf } from '../../http/request/request-id.ts';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { hasBody, originForm } from '../../http/request/request-target.ts';
import { TargetGoneError } from './app-pools.ts';
import type { AppRequest } from './app-request.ts';
import { forwardableBody } from './forwardable-body.ts';
import { ResponseBody } from './response-body.ts';
import { answerViewRefused } from '../pages/answer-view-refused.ts';
import { VIEWER_HEADER } from '../headers/request-headers.ts';
import { responseHeaders } from '../headers/response-headers.ts';
import { valuesOf } from '../headers/values-of.ts';

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** Far more than progress reports need; a flood of them would delay every other request. */
const MOST_INFORMATIONAL = 1_000;

/** How long the head of a response waits for the first bytes of its body. */
const HEAD_WAIT_MS = 5;

const INVALID_RESPONSE = 'The app sent a response that HTTP does not allow.';

/**
 * Sends a request to the app and streams the response back. Never throws: a failure is answered, or cuts the response.
 */
export function forwardToApp(request: AppRequest): void {
  new AppExchange(request).send();
}

/**
 * One request and its response.
 *
 * INVARIANTS
 * - It ends once: with the response, or when the client disconnects, the app fails, the target aborts or the access
 *   ends.
 * - Backpressure applies to both bodies.
 * - An idempotent request without a body is retried once, on a new connection, if the connection broke before any byte
 *   of a response: the app may have closed an idle connection at that moment.
 */
class AppExchange implements Dispatcher.DispatchHandler {
  readonly #request: AppRequest;
  readonly #mayRepeat: boolean;
  readonly #answer: ResponseBody;
  readonly #endWatch: (() => void) | undefined;
  #body: Readable | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #hasAnswerBegun = false;
  /** Runs while the head of the response waits for the first bytes of the body. */
  #headTimer: NodeJS.Timeout | undefined;
  #informational = 0;
  #isRepeated = false;
  #isOver = false;

  constructor(request: AppRequest) {
    this.#request = request;
    const { req, res, target, ticket, onUpgrade } = request;
    this.#answer = new ResponseBody(res);
    target.load.open += 1;
    this.#mayRepeat = IDEMPOTENT.has(req.method ?? '') && !hasBody(req) && onUpgrade === undefined;
    // Listen on the socket: a response that is queued behind another one emits no `close`. A client may pipeline many.
    req.socket.setMaxListeners(0).on('close', this.#abort);
    this.#endWatch = ticket?.onEnd(() => this.#fail('Your access has ended.', 'TICKET_ENDED', 403));
  }

  send(dispatcher: Dispatcher = this.#mayRepeat ? this.#request.pool.kept : this.#request.pool.fresh): void {
    const { req, target, headers, client, unsent, onUpgrade } = this.#request;
    const path = originForm(req.url ?? '/').slice(target.strip?.length ?? 0);
    if (hasBody(req)) this.#body = forwardableBody(req, (held) => unsent.watch(held, client));
    const upgrade = onUpgrade === undefined ? null : 'websocket';
    dispatcher.dispatch({ method: req.method ?? 'GET', path, headers, body: this.#body ?? null, upgrade }, this);
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
    const raw = rawHeadersOf(controller);
    if (!this.#mayShow(raw)) {
      app.destroy();
      return this.#refuseViewer();
    }
    this.#finish();
    this.#request.onUpgrade?.(this.#headersFor(raw), app);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''): void {
    if (this.#isOver) return;
    // Informational responses concern only this hop; our server has answered "100 Continue" itself.
    if (status < 200) return this.#countInformational();
    const { res } = this.#request;
    const raw = rawHeadersOf(controller);
    if (!this.#mayShow(raw)) return this.#refuseViewer();
    // undici decodes only `chunked`: the client would get the other coding without the header that names it.
    if (isCoded(raw)) return this.#fail(INVALID_RESPONSE, 'TRANSFER_CODING');
    try {
      res.writeHead(status, reason, this.#headersFor(raw));
    } catch {
      this.#fail(INVALID_RESPONSE, 'INVALID_RESPONSE');
      return;
    }
    // Most bodies follow at once, and one write takes both. In an event stream they may take minutes.
    this.#headTimer = setTimeout(() => res.flushHeaders(), HEAD_WAIT_MS);
  }

  /** Whether the client may have the answer: a viewer only if the app has understood that it is one. */
  #mayShow(raw: readonly string[]): boolean {
    const [name, value] = VIEWER_HEADER;
    return this.#request.ticket?.role !== 'VIEW' || valuesOf(raw, name.toLowerCase()).includes(value);
  }

  #refuseViewer(): void {
    this.#abort();
    answerViewRefused(this.#request.res);
  }

  #headersFor(raw: readonly string[]): string[] {
    const { req, target, ticket, withheldCookie } = this.#request;
    const answered = {
      host: req.headers.host ?? '',
      vmId: target.vmId,
      appPort: target.port,
      isPrivate: ticket !== undefined,
      withheldCookie,
    };
    return responseHeaders(raw, answered);
  }

  #countInformational(): void {
    this.#informational += 1;
    if (this.#informational > MOST_INFORMATIONAL) this.#fail('The app sends no final response.', 'ONLY_INFORMATIONAL');
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    clearTimeout(this.#headTimer);
    this.#answer.add(chunk, controller);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#answer.end();
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error & { code?: string }): void {
    if (this.#isOver) return;
    const { pool, res, target } = this.#request;
    if (target.signal.aborted || error instanceof TargetGoneError) this.#fail('The app was stopped.', 'TARGET_GONE');
    else if (error instanceof errors.InvalidArgumentError)
      this.#fail('This request cannot be forwarded to the app.', 'INVALID_REQUEST', 400);
    else if (this.#mayRepeat && !this.#hasAnswerBegun && this.#controller !== undefined && !this.#isRepeated) {
      this.#isRepeated = true;
      this.#controller = undefined;
      this.send(pool.fresh);
    } else if (this.#hasAnswerBegun && !res.headersSent) {
      this.#fail(INVALID_RESPONSE, error.code ?? error.name);
    } else this.#fail('The app does not answer.', error.code ?? error.name);
  }

  readonly #abort = (): void => {
    this.#finish();
    this.#controller?.abort(new Error('The client has gone.'));
    // undici destroys only the body of a request that it has begun.
    this.#body?.destroy();
  };

  #finish(): void {
    if (!this.#isOver) this.#request.target.load.open -= 1;
    this.#isOver = true;
    clearTimeout(this.#headTimer);
    this.#answer.cancel();
    this.#endWatch?.();
    this.#request.req.socket.off('close', this.#abort);
  }

  /** Answers with an error, or cuts a response that has begun. */
  #fail(message: string, code: string, status = 502): void {
    if (this.#isOver) return;
    const { log, target, req, res } = this.#request;
    log.debug({ requestId: requestIdOf(req), vmId: target.vmId, code }, 'a request to an app failed');
    this.#abort();
    answerPlain(res, status, message);
  }
}

/** Whether the body has a transfer coding besides `chunked`. */
function isCoded(headers: readonly string[]): boolean {
  return valuesOf(headers, 'transfer-encoding').some((value) => !/^\s*(chunked|identity)?\s*$/i.test(value));
}

/** The app's headers as a flat list in their original order and case; bytes beyond ASCII are preserved. */
function rawHeadersOf({ rawHeaders }: Dispatcher.DispatchController): string[] {
  if (!Array.isArray(rawHeaders)) return [];
  return rawHeaders.map((each) => (typeof each === 'string' ? each : each.toString('latin1')));
}
