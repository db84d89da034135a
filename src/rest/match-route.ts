import type { IncomingMessage } from 'node:http';
import { MethodNotAllowedError } from '../http/response/method-not-allowed.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';

/** A route whose path matches, with the parameters from the path. */
export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** The routes with the first pattern that matches the path, one per operation; empty if there is none. */
export function matchRoutes(path: string): RouteMatch[] {
  const matches = ROUTES.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  // Literal paths precede `/vms/:vmid` in the table.
  return matches.filter(({ route }) => route.path === matches[0]?.route.path);
}

/**
 * Chooses the route for the request's method. METHOD_NOT_ALLOWED if there is none. A GET that changes state is excluded
 * with `strict`, and when a browser navigates or prefetches.
 */
export function chooseRoute(
  request: IncomingMessage,
  matches: readonly RouteMatch[],
  { strict }: { strict: boolean },
): RouteMatch {
  const { method = 'GET', headers } = request;
  const safeOnly = strict || isNavigation(headers);
  const allowed = (route: Route): string[] =>
    route.methods.filter((each) => !(safeOnly && each === 'GET' && route.changesState));
  const match = matches.find(({ route }) => allowed(route).includes(method));
  if (match !== undefined) return match;
  throw new MethodNotAllowedError(matches.flatMap(({ route }) => allowed(route)));
}

function isNavigation(headers: IncomingMessage['headers']): boolean {
  return (
    headers['sec-purpose'] !== undefined ||
    headers['purpose'] === 'prefetch' ||
    headers['sec-fetch-mode'] === 'navigate'
  );
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const names = pattern.split('/');
  const values = path.split('/');
  if (names.length !== values.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const value = decode(values[index] ?? '');
    if (value === undefined) return undefined;
    if (name.startsWith(':') && value !== '') params[name.slice(1)] = value;
    else if (name !== value) return undefined;
  }
  return params;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
