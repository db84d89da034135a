import type { ServerResponse } from 'node:http';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { html } from '../../lib/html.ts';
import { renderPage } from './render-page.ts';
import { wantsPage } from './wants-page.ts';

const PAGE = renderPage({
  title: 'You cannot look on here',
  main: html`<main>
    <h1>You cannot look on here</h1>
    <p class="status">
      You were given access to look on only, and what runs here does not tell who looks on from who takes part.
    </p>
    <p class="detail">
      Ask whoever sent you the link for one with control. Desktops that the gateway builds can be looked at once they
      are built and started anew.
    </p>
  </main>`,
});

/** Answers a viewer whose input the app would not leave out: 403. */
export function answerViewRefused(res: ServerResponse): void {
  if (wantsPage(res.req)) answerPlain(res, 403, PAGE.body, PAGE.headers);
  else answerPlain(res, 403, 'This app does not tell viewers apart.');
}
