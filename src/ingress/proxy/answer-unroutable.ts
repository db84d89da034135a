import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerPlain, answerUnavailable } from '../../http/response/plain-answer.ts';
import { originForm } from '../../http/request/request-target.ts';
import { searchOf } from '../../http/request/search-of.ts';
import { answerAccessEnded } from '../pages/answer-access-ended.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import type { Resolution } from '../routing/resolution.ts';
import type { BootPage } from '../waiting/boot-page.ts';
import { wantsPage } from '../pages/wants-page.ts';

/** Answers a request that has no upstream. A missing address and one that is denied get the same bytes. */
export async function answerUnroutable(
  req: IncomingMessage,
  res: ServerResponse,
  resolution: Exclude<Resolution, { kind: 'upstream' }>,
  bootPage: Pick<BootPage, 'show'> | undefined,
): Promise<void> {
  switch (resolution.kind) {
    case 'unavailable': {
      const { retryAfterSeconds, message, view } = resolution;
      if (bootPage !== undefined && view !== undefined && wantsPage(req))
        return bootPage.show(req, res, view, retryAfterSeconds);
      return answerUnavailable(res, retryAfterSeconds, message);
    }
    case 'not-http':
      return answerPlain(res, resolution.address === undefined ? 404 : 200, notHttpText(resolution));
    case 'moved':
      return answerPlain(res, 307, '', { Location: `${resolution.path}${searchOf(originForm(req.url ?? ''))}` });
    case 'ended':
      return answerAccessEnded(res, resolution);
    case 'not-found':
    case 'denied':
      return answerNotHere(res);
  }
}

function notHttpText({ port, address }: { port: number; address: string | undefined }): string {
  const what = `Port ${port} of this VM speaks TCP and no HTTP: use its own client, not a browser.`;
  if (address === undefined) return `${what} It is not forwarded; its owner can do so with addPort.`;
  return `${what} Connect it to ${address}.`;
}
