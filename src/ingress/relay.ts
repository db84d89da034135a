import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { responseHeaders } from './forward-headers.ts';
import { HeldExchange, type Exchange } from './held-exchange.ts';
import { answerPlain } from './plain-answer.ts';
import { originForm } from './request-target.ts';
import type { Upstream } from './resolution.ts';

/** Takes over when the app answers 101. */
type OnUpgrade = (answer: IncomingMessage, upstream: Socket, head: Buffer) => void;

/**
 * Runs one request through to the app and its response back, both streaming. It ends by itself: with the response, with 502 when
 * the app gives none, or cut off when the client, the app or the target goes midway. For requests with a body and to upgrade, each on a
 * connection of its own; `relayCall` is for all others. With `onUpgrade` it asks for a WebSocket; without it a 101 is a failure.
 */
export function relay(exchange: Exchange<IncomingMessage, ServerResponse>, onUpgrade?: OnUpgrade): void {
  const { req, res, facts, target, pool } = exchange;
  const method = req.method ?? 'GET';
  const headers = facts.headersFor(target.strip, onUpgrade && 'websocket');
  const carriesBody = facts.hasBody;
  let current: ClientRequest | undefined;
  const held = new HeldExchange(exchange, { abort: () => void current?.destroy() });

  const send = () => {
    let up: ClientRequest;
    try {
      up = pool.request({ method, path: pathFor(target, req.url ?? '/'), headers });
    } catch {
      held.finish();
      answerPlain(res, 400, 'The request has characters that cannot be passed on.');
      return;
    }
    current = up;
    let answered = false;
    up.once('response', (answer) => {
      answered = true;
      if (!held.isOver) passBack(answer);
    });
    if (onUpgrade !== undefined) {
      up.once('upgrade', (answer, upstream, head) => {
        answered = true;
        held.finish();
        onUpgrade(answer, upstream, head);
      });
    }
    up.on('error', (error: NodeJS.ErrnoException) => {
      if (!answered) held.fail('The app does not answer.', error.code ?? error.message);
    });
    up.once('close', () => {
      // What is left of the body is read and thrown away, or a client that is still sending would never get to its answer.
      req.unpipe(up);
      if (carriesBody) req.resume();
      if (!answered) held.fail('The app closed the connection without an answer.', 'NO_ANSWER');
    });
    if (carriesBody) req.pipe(up);
    else up.end();
  };

  const passBack = (answer: IncomingMessage) => {
    try {
      res.writeHead(answer.statusCode ?? 0, answer.statusMessage ?? '', responseHeaders(answer.rawHeaders));
    } catch {
      held.fail('The app sent a response that cannot be passed on.', 'INVALID_RESPONSE');
      return;
    }
    passBody(answer, res, () => held.finish());
  };

  send();
}

/**
 * Passes the body on at the client's pace, whole or not at all: a failure of either side destroys both. What `pipeline` does for
 * any two streams, at a fraction of its cost for these two.
 */
function passBody(answer: IncomingMessage, res: ServerResponse, finish: () => void): void {
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    finish();
  };
  const cut = () => {
    end();
    answer.destroy();
    res.destroy();
  };
  answer.on('data', (chunk: Buffer) => {
    if (!res.write(chunk)) answer.pause();
  });
  res.on('drain', () => answer.resume());
  answer.once('end', () => {
    // A body that was cut off ends too, where its length was not told.
    if (!answer.complete) cut();
    else res.end();
  });
  answer.once('error', cut);
  answer.once('close', () => !answer.readableEnded && cut());
  res.once('finish', end);
  res.once('close', () => (res.writableFinished ? end() : cut()));
  // With the first bytes of the body, where they are here already; the first event of a stream may be minutes away.
  setImmediate(() => !res.headersSent || res.writableEnded || res.flushHeaders());
}

/** The app's own path of a request's target. */
export function pathFor({ strip }: Upstream, url: string): string {
  const path = originForm(url);
  return strip === undefined ? path : path.slice(strip.length);
}
