import { randomBytes } from 'node:crypto';
import { html, type Html } from '../../lib/html.ts';
import type { Page } from '../pages/render-page.ts';

const TERMINAL = html`<header>
    <h1></h1>
    <p id="status" role="status">Connecting…</p>
    <button id="again" type="button" hidden>New shell</button>
    <button id="copy" type="button">Copy</button>
    <button id="paste" type="button" hidden>Paste</button>
    <a href="/">App</a>
  </header>
  <div id="screen"></div>
  <div id="keys" role="toolbar" aria-label="More keys">
    <button type="button" value="escape">Esc</button>
    <button type="button" value="tab">Tab</button>
    <button type="button" value="control" aria-pressed="false">Ctrl</button>
    <button type="button" value="left" aria-label="Left">←</button>
    <button type="button" value="up" aria-label="Up">↑</button>
    <button type="button" value="down" aria-label="Down">↓</button>
    <button type="button" value="right" aria-label="Right">→</button>
  </div>`;

const FILES = html`<header>
    <h1></h1>
    <a href="/.swiftor/terminal">Terminal</a>
    <a href="/">App</a>
  </header>
  <main>
    <div id="tools">
      <nav id="path" aria-label="Folder"></nav>
      <a id="all" class="button" download>Download all</a>
      <label class="button">
        <input id="upload-folder" type="file" webkitdirectory /><span>Upload a folder</span>
      </label>
      <label class="button primary"><input id="upload" type="file" multiple /><span>Upload</span></label>
    </div>
    <p id="status" role="status">Loading…</p>
    <ul id="transfers"></ul>
    <table hidden>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Size</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody></tbody>
    </table>
    <p id="hint">Drop files and folders anywhere to upload them here.</p>
  </main>`;

const PAGES = {
  terminal: { title: 'Terminal', main: TERMINAL, frames: "'none'" },
  // The page of a desktop shows it in a panel of its own.
  files: { title: 'Files', main: FILES, frames: "'self'" },
} as const satisfies Record<string, { readonly title: string; readonly main: Html; readonly frames: string }>;

/**
 * Renders a page whose script and style are files of the gateway. Nothing of the app's can run in it: scripts and
 * styles need its nonce, which the styles that its script makes get too.
 */
export function renderInsidePage(name: keyof typeof PAGES, vmName: string): Page {
  const nonce = randomBytes(16).toString('base64');
  const { title, main, frames } = PAGES[name];
  const page = html`<!doctype html>
    <html lang="en" ${name === 'terminal' && html` data-theme="dark"`}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content" />
        <meta name="color-scheme" content="${name === 'terminal' ? 'dark' : 'light dark'}" />
        <title>${title} · ${vmName}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/.swiftor/assets/${name}.css" nonce="${nonce}" />
        <script type="module" src="/.swiftor/assets/${name}.js" nonce="${nonce}"></script>
      </head>
      <body data-vm="${vmName}">
        ${main}
      </body>
    </html> `;
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    // Colors of single characters. The page has no markup but its own.
    "style-src-attr 'unsafe-inline'",
    'img-src data:',
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    `frame-ancestors ${frames}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    body: page.toString(),
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
      'X-Frame-Options': frames === "'none'" ? 'DENY' : 'SAMEORIGIN',
      'Referrer-Policy': 'no-referrer',
      'X-Robots-Tag': 'noindex',
    },
  };
}
