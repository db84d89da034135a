import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { rawAnswer } from '../http/response/raw-answer.ts';
import { expireCookies } from './access/expire-cookies.ts';
import { TOO_LARGE_PAGE } from './pages/too-large-page.ts';

/** An error of Node's HTTP parser, with the bytes at which it gave up. */
interface ClientError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
/** How long the rest of a request is read and discarded: closing before would reset the connection with its answer. */
const DISCARD_MS = 2_000;

/**
 * Answers the requests that Node's parser refuses, as Node itself would. Only headers that are too large get a page:
 * the usual cause is cookies that a sibling VM's page has set for all of `baseDomain`, and the answer deletes them.
 */
export function answerClientErrors(http: Server, baseDomain: string): void {
  const replies = new WeakMap<Duplex, ServerResponse>();
  const answered = new WeakSet<Duplex>();
  http.on('request', (req, res) => void replies.set(req.socket, res));
  http.on('clientError', (error: ClientError, socket) => {
    // The parser fails again at each further packet.
    if (answered.has(socket)) return;
    answered.add(socket);
    const reply = replies.get(socket);
    const isReplying = reply !== undefined && !reply.writableFinished;
    if (!socket.writable || isReplying || error.code === 'ECONNRESET') return void socket.destroy();
    const status = STATUSES[error.code ?? ''] ?? 400;
    socket.end(status === 431 ? tooLarge(error.rawPacket, baseDomain) : rawAnswer(status, [], ''));
    socket.resume();
    setTimeout(() => socket.destroy(), DISCARD_MS).unref();
  });
}

function tooLarge(packet: Buffer | undefined, baseDomain: string): string {
  const { body, headers } = TOO_LARGE_PAGE;
  const cookies = expireCookies(packet?.toString('latin1') ?? '', baseDomain);
  const lines = [...Object.entries(headers), ...cookies.map((cookie) => ['Set-Cookie', cookie] as const)];
  return rawAnswer(431, [...lines, ['Cache-Control', 'no-store']], body);
}
