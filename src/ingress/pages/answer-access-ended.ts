import type { ServerResponse } from 'node:http';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { html } from '../../lib/html.ts';
import { answerNotHere } from './answer-not-here.ts';
import { renderPage } from './render-page.ts';
import { wantsPage } from './wants-page.ts';

const PAGE = renderPage({
  title: 'Your access has ended',
  main: html`<main>
    <h1>Your access has ended</h1>
    <p class="status">You had access to this address for a limited time, and that time is over.</p>
    <p class="detail">Open it again from where you manage your VMs. What runs here goes on meanwhile.</p>
  </main>`,
});

/** Answers the holder of a ticket that has ended: 403 with a page, or as if nothing were here if no page is wanted. */
export function answerAccessEnded(res: ServerResponse): void {
  if (wantsPage(res.req)) answerPlain(res, 403, PAGE.body, PAGE.headers);
  else answerNotHere(res);
}
