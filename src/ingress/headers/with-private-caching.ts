import { isNamed } from './is-named.ts';

/**
 * Headers in which an app addresses only caches in front of it (RFC 9213); such caches prefer them to Cache-Control.
 */
const FOR_SHARED_CACHES = /^(surrogate-control|x-accel-expires|([a-z0-9-]+-)?cdn-cache-control)$/i;
/** What would let a shared cache keep a response; `private` itself, because it may name single headers only. */
const SHARING = /^(public|s-maxage|private)$/i;
/** A directive of Cache-Control, whose argument may be quoted. */
const DIRECTIVE = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;

/**
 * Headers (a flat list) with `Cache-Control: private`: a cache between gateway and browser must not show a response to
 * a visitor without a ticket. What the app says for the browser's own cache stays.
 */
export function withPrivateCaching(headers: readonly string[]): string[] {
  const kept: string[] = [];
  const directives = ['private'];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (isNamed(name, 'cache-control')) directives.push(...forTheBrowser(value));
    else if (!FOR_SHARED_CACHES.test(name)) kept.push(name, value);
  }
  kept.push('Cache-Control', directives.join(', '));
  return kept;
}

function forTheBrowser(cacheControl: string): string[] {
  const directives = (cacheControl.match(DIRECTIVE) ?? []).map((directive) => directive.trim());
  return directives.filter((directive) => directive !== '' && !SHARING.test(directive.split('=')[0]?.trim() ?? ''));
}
