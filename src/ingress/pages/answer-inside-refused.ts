import type { ServerResponse } from 'node:http';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { html } from '../../lib/html.ts';
import { renderPage } from './render-page.ts';
import { wantsPage } from './wants-page.ts';

const PAGE = renderPage({
  title: 'You may look on only',
  main: html`<main>
    <h1>You may look on only</h1>
    <p class="status">Terminal and files are for those who take part.</p>
    <p class="detail">Ask whoever sent you the link for one with control. <a href="/">Back to the app</a></p>
  </main>`,
});

/** Answers a viewer who asks for what reaches into the container: 403. */
export function answerInsideRefused(res: ServerResponse): void {
  if (wantsPage(res.req)) answerPlain(res, 403, PAGE.body, PAGE.headers);
  else answerPlain(res, 403, 'You may look on only: terminal and files are for those who take part.');
}
