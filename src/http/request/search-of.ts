import { pathOf } from './path-of.ts';

/** What follows the path of a request target: `?` and the query, without a fragment. Empty if there is no query. */
export function searchOf(target = ''): string {
  const rest = target.slice(pathOf(target).length);
  const fragment = rest.indexOf('#');
  return fragment === -1 ? rest : rest.slice(0, fragment);
}
