import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FILES } from '../../lib/files/files.ts';

/** The colours of the dashboard. */
const THEME = readFileSync(path.join(FILES, 'dashboard/theme.css'), 'utf8');

/** The styles of the gateway's pages. */
export const STYLE = `
${THEME}* { box-sizing: border-box; margin: 0; padding: 0; }
body {
  min-height: 100vh; display: grid; place-items: center; padding: 2rem 1.5rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { width: 100%; max-width: 30rem; }
h1 { font-size: 1.75rem; font-weight: 600; line-height: 1.2; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { margin: 1.5rem 0 .5rem; font-size: .875rem; font-weight: 600; color: var(--quiet); }
.kind { margin-bottom: .25rem; font-size: .875rem; color: var(--quiet); }
.status { margin-top: .75rem; font-variant-numeric: tabular-nums; }
.detail:empty { display: none; }
.detail { margin-top: .5rem; font-size: .875rem; color: var(--quiet); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
[data-view="booting"] .detail:empty { display: block; min-height: 1.55em; }
[data-view="failed"] .status { color: var(--bad); }
[data-view="failed"] .detail { font-size: 1rem; color: var(--text); }
.bar { margin-top: 1.25rem; }
progress { appearance: none; display: block; width: 100%; height: 4px; border: 0; border-radius: 2px; overflow: hidden; background: var(--line); color: var(--accent); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 2px; transition: inline-size .25s linear; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 2px; }
progress:indeterminate {
  background: linear-gradient(90deg, var(--line) 0 35%, var(--accent) 50%, var(--line) 65% 100%) 0 0 / 300% 100%;
  animation: under-way 2.4s linear infinite;
}
progress:indeterminate::-webkit-progress-bar { background: transparent; }
progress:indeterminate::-moz-progress-bar { background: transparent; }
@keyframes under-way { from { background-position: 100% 0; } to { background-position: 0 0; } }
@media (prefers-reduced-motion: reduce) { progress:indeterminate { animation: none; } progress::-webkit-progress-value { transition: none; } }
ol { list-style: none; margin-top: 1.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
ol li { position: relative; padding: .2rem 0 .2rem 1.6rem; color: var(--quiet); }
ol li::before { content: ""; position: absolute; left: .15rem; top: .78em; width: .5rem; height: .5rem; border-radius: 50%; border: 1.5px solid var(--quiet); opacity: .6; }
ol li.done::before { background: var(--quiet); border-color: var(--quiet); }
ol li.now { color: var(--text); font-weight: 500; }
ol li.now::before { background: var(--accent); border-color: var(--accent); opacity: 1; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .875rem; }
dt { color: var(--quiet); }
code, pre { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
pre { max-height: 14rem; overflow: auto; padding: .75rem .9rem; border: 1px solid var(--line); border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
.refusal { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .9375rem; }
.refusal p { color: var(--bad); }
.refusal ul { padding-left: 1.1rem; }
a { color: var(--accent); }
form { margin-top: 1.5rem; }
button { padding: .6rem 1.3rem; border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.08); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
`;

/**
 * The boot page's. Replaces only what has changed: screen readers announce each step once, and a button keeps its
 * focus.
 */
export const BOOT_SCRIPT = `
const localTimes = (root) => {
  for (const time of root.querySelectorAll('time')) time.textContent = new Date(time.dateTime).toLocaleTimeString();
};
localTimes(document);
document.title = document.querySelector('main').dataset.title;
const source = new EventSource(document.documentElement.dataset.events);
source.addEventListener('view', ({ data }) => {
  const now = document.querySelector('main');
  const next = new DOMParser().parseFromString(JSON.parse(data), 'text/html').querySelector('main');
  localTimes(next);
  document.title = next.dataset.title;
  if (now.dataset.view !== next.dataset.view) return now.replaceWith(next);
  for (const part of next.querySelectorAll('[data-part]')) {
    const old = now.querySelector('[data-part="' + part.dataset.part + '"]');
    if (old === null) return now.replaceWith(next);
    if (old.innerHTML === part.innerHTML) continue;
    const [from, to] = [old.querySelector('progress[value]'), part.querySelector('progress[value]')];
    if (from && to) from.setAttribute('value', to.getAttribute('value'));
    else old.replaceChildren(...part.childNodes);
  }
});
source.addEventListener('up', () => { source.close(); location.reload(); });
source.addEventListener('error', () => { if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000); });
addEventListener('pagehide', () => source.close());
`;
