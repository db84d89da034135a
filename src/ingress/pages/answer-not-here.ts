import type { ServerResponse } from 'node:http';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { html } from '../../lib/html.ts';
import { renderPage } from './render-page.ts';
import { wantsPage } from './wants-page.ts';

const PAGE = renderPage({
  title: 'Not here',
  main: html`<main>
    <h1>Not here</h1>
    <p class="status">There is nothing at this address, or it is not open to you.</p>
    <p class="detail">If it is yours, open it again from where you manage your VMs: links to it work once.</p>
  </main>`,
});

/**
 * Answers 404: a page for a browser that navigates, otherwise a text. Byte for byte the same for a missing VM or
 * mapping, one of another account, and an unknown host.
 */
export function answerNotHere(res: ServerResponse): void {
  if (wantsPage(res.req)) answerPlain(res, 404, PAGE.body, PAGE.headers);
  else answerPlain(res, 404, 'not here');
}
