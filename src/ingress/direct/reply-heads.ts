import { inOnePiece } from '../../lib/in-one-piece.ts';
import type { Reply } from '../reply.ts';

/** The head of an answer but for its last lines, which say how the body ends. */
export interface ReplyHead {
  readonly text: string;
  /** The body is as long as a header says. */
  readonly hasLength: boolean;
}

export type WriteReplyHead = (...head: Parameters<Reply['writeHead']>) => ReplyHead;

interface KnownHead extends ReplyHead {
  readonly status: number;
  readonly reason: string;
  /** The second in which it is written, where the app does not tell the time. */
  readonly second: number | undefined;
}

/**
 * Writes the heads of answers on connections that are kept, of the same bytes as Node's server. An app that answers the same again comes with the
 * very same headers (see `ResponseReader`), whose text is kept as long as they are.
 */
export function createReplyHeads({ keepSeconds }: { keepSeconds: number }): WriteReplyHead {
  const last = new WeakMap<object, KnownHead>();
  const write = (status: number, reason: string, headers: Parameters<WriteReplyHead>[2], now: number): KnownHead => {
    const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat();
    let text = `HTTP/1.1 ${status} ${reason}\r\n`;
    let hasLength = false;
    let hasDate = false;
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const name = flat[at] ?? '';
      const lower = name.toLowerCase();
      text += `${name}: ${flat[at + 1] ?? ''}\r\n`;
      hasLength ||= lower === 'content-length';
      hasDate ||= lower === 'date';
    }
    if (!hasDate) text += `Date: ${new Date(now).toUTCString()}\r\n`;
    text += `Connection: keep-alive\r\nKeep-Alive: timeout=${keepSeconds}\r\n`;
    return { status, reason, second: hasDate ? undefined : secondOf(now), text: inOnePiece(text), hasLength };
  };
  return (status, reason, headers) => {
    const known = last.get(headers);
    const isSame = known !== undefined && known.status === status && known.reason === reason;
    if (isSame && known.second === undefined) return known;
    const now = Date.now();
    if (isSame && known.second === secondOf(now)) return known;
    const head = write(status, reason, headers, now);
    last.set(headers, head);
    return head;
  };
}

function secondOf(now: number): number {
  return Math.floor(now / 1_000);
}
