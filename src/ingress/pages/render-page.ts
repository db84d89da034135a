import { createHash } from 'node:crypto';
import { html, Html } from '../../lib/html.ts';
import { STYLE } from './page-assets.ts';

export interface Page {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PageParts {
  readonly title: string;
  readonly main: Html;
  /** The page's script, if it has one: a constant, without anything of a request. */
  readonly script?: string | undefined;
  /** The event stream that updates the page, for its script. */
  readonly eventsPath?: string | undefined;
  /** The reload interval of browsers without scripts, in seconds. */
  readonly refreshSeconds?: number | undefined;
}

/**
 * Renders a page of the gateway at a VM's address. It loads nothing from other origins and cannot be framed. Equal
 * parts give equal bytes: a page must not differ for an address that does not exist.
 */
export function renderPage({ title, main, script, eventsPath, refreshSeconds }: PageParts): Page {
  const page = html`<!doctype html>
    <html lang="en" ${eventsPath !== undefined && html` data-events="${eventsPath}"`}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${refreshSeconds !== undefined && html`<noscript><meta http-equiv="refresh" content="${refreshSeconds}" /></noscript>`}
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        ${main} ${script !== undefined && new Html(`<script>${script}</script>`)}
      </body>
    </html> `;
  const policy = [
    "default-src 'none'",
    `style-src ${sourceOf(STYLE)}`,
    `script-src ${script === undefined ? "'none'" : sourceOf(script)}`,
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

const sources = new Map<string, string>();

/** The hash that allows exactly this style or script. */
function sourceOf(text: string): string {
  const known = sources.get(text);
  if (known !== undefined) return known;
  const source = `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  sources.set(text, source);
  return source;
}
