import { randomBytes } from 'node:crypto';
import { html, Html } from '../../lib/html.ts';
import { SCRIPT, STYLE } from './page-assets.ts';

export interface Page {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PageParts {
  readonly title: string;
  readonly main: Html;
  /** The event stream that updates the page; without one, the page is static. */
  readonly eventsPath?: string | undefined;
  /** The reload interval of browsers without scripts, in seconds. */
  readonly refreshSeconds?: number | undefined;
}

/** Renders a page of the gateway at a VM's address. It loads nothing from other origins and cannot be framed. */
export function renderPage({ title, main, eventsPath, refreshSeconds }: PageParts): Page {
  const nonce = randomBytes(16).toString('base64');
  const page = html`<!doctype html>
    <html lang="en" ${eventsPath !== undefined && html` data-events="${eventsPath}"`}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${refreshSeconds !== undefined && html`<noscript><meta http-equiv="refresh" content="${refreshSeconds}" /></noscript>`}
        <style nonce="${nonce}">
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        ${main}
        ${
          eventsPath !== undefined &&
          html`<script nonce="${nonce}">
            ${new Html(SCRIPT)};
          </script>`
        }
      </body>
    </html> `;
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    'img-src data:',
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    body: page.toString(),
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
      'X-Frame-Options': 'DENY',
      // The request of the start button must carry its origin.
      'Referrer-Policy': 'same-origin',
      'X-Robots-Tag': 'noindex',
    },
  };
}
