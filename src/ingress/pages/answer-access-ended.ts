import type { ServerResponse } from 'node:http';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { html, type HtmlValue } from '../../lib/html.ts';
import { answerNotHere } from './answer-not-here.ts';
import { renderPage } from './render-page.ts';
import { wantsPage } from './wants-page.ts';

/** An access that has ended, as its cookie tells. */
export interface EndedAccess {
  /** Whether it was for someone other than the owner. */
  readonly isGuest: boolean;
  /** Whether its time is over; otherwise it was ended earlier, or the VM is gone. */
  readonly isOver: boolean;
  /** Where its owner opens it again; undefined without a dashboard. */
  readonly reopenUrl?: string | undefined;
}

/** Answers the holder of an access that has ended: 403 with a page, or as if nothing were here if no page is wanted. */
export function answerAccessEnded(res: ServerResponse, ended: EndedAccess): void {
  if (!wantsPage(res.req)) return answerNotHere(res);
  const { body, headers } = renderPage({
    title: 'Your access has ended',
    main: html`<main>
      <h1>Your access has ended</h1>
      <p class="status">${reasonOf(ended)}</p>
      <p class="detail">
        ${ended.isGuest ? 'Ask whoever sent you the link for a new one.' : reopen(ended)}
        ${ended.isOver && 'What runs here goes on meanwhile.'}
      </p>
    </main>`,
  });
  answerPlain(res, 403, body, headers);
}

function reopen({ reopenUrl }: EndedAccess): HtmlValue {
  if (reopenUrl === undefined) return 'Open it again from where you manage your VMs.';
  return html`<a href="${reopenUrl}">Open it again</a> from the dashboard.`;
}

function reasonOf({ isGuest, isOver }: EndedAccess): string {
  if (isGuest) {
    return isOver
      ? 'This was shared with you for a limited time, and that time is over.'
      : 'Whoever shared this with you has ended it, or what was here is gone.';
  }
  return isOver
    ? 'You had access to this address for a limited time, and that time is over.'
    : 'Your access to this address was ended before its time, or what was here is gone.';
}
