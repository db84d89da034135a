import type { ServerResponse } from 'node:http';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { html } from '../../lib/html.ts';
import { answerNotHere } from './answer-not-here.ts';
import { renderPage } from './render-page.ts';
import { wantsPage } from './wants-page.ts';

const PAGE = renderPage({
  title: 'This link no longer works',
  main: html`<main>
    <h1>This link no longer works</h1>
    <p class="status">A link opens one browser, once and within its time. This one was used, or its time is over.</p>
    <p class="detail">
      If you made it, open the VM again from where you manage your VMs. If somebody sent it to you, ask for a new one.
    </p>
  </main>`,
});

/**
 * Answers a genuine link that opens nothing any more: 410 with a page, or as if nothing were here if no page is wanted.
 * Only who was given the link has its token, so this tells strangers nothing.
 */
export function answerLinkUsed(res: ServerResponse): void {
  if (wantsPage(res.req)) answerPlain(res, 410, PAGE.body, PAGE.headers);
  else answerNotHere(res);
}
