import { html } from '../../lib/html.ts';
import { renderPage } from './render-page.ts';

/**
 * Deletes the cookies that a script can see, for each domain and path that they may have been set for, and loads the
 * page again, once. The answer's own Set-Cookie cannot name those that came after the parser gave up.
 */
const SCRIPT = `
const hosts = location.hostname.split('.').map((_, at, labels) => '; Domain=' + labels.slice(at).join('.'));
const paths = location.pathname.split('/').flatMap((_, at, parts) => [parts.slice(0, at).join('/') || '/', parts.slice(0, at).join('/') + '/']);
for (const pair of document.cookie.split(';')) {
  const name = pair.split('=')[0].trim();
  for (const domain of ['', ...hosts]) for (const path of new Set(paths)) document.cookie = name + '=; Max-Age=0; Path=' + path + domain;
}
const KEY = 'swiftor-cookies-deleted';
const isFirst = Date.now() - Number(sessionStorage.getItem(KEY)) > 10000;
sessionStorage.setItem(KEY, Date.now());
if (isFirst) location.reload();
`;

/** What a browser sees whose request's headers are too large, usually because of cookies. */
export const TOO_LARGE_PAGE = renderPage({
  title: 'Too many cookies',
  script: SCRIPT,
  main: html`<main>
    <h1>Too many cookies</h1>
    <p class="status">Your browser sent more cookies to this address than it takes. They have been deleted.</p>
    <p class="detail">Load this page again. If it stays, delete the cookies of this site in your browser.</p>
  </main>`,
});
