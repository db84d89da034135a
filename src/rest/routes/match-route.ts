import type { IncomingMessage } from 'node:http';
import { MethodNotAllowedError } from '../../http/response/method-not-allowed.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';

/** A route whose path matches, with the parameters from the path. */
export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** The routes with the first pattern that matches the path, one per operation; empty if there is none. */
export function matchRoutes(path: string): RouteMatch[] {
  const values = path.split('/').map(decode);
  const matches = PATTERNS.flatMap(({ route, names }) => {
    const params = matchPath(names, values);
    return params === undefined ? [] : [{ route, params }];
  });
  // Literal paths precede `/vms/:vmid` in the table.
  return matches.filter(({ route }) => route.path === matches[0]?.route.path);
}

const PATTERNS = ROUTES.map((route) => ({ route, names: route.path.split('/') }));

/**
 * Chooses the route for the request's method; HEAD is as GET. METHOD_NOT_ALLOWED if there is none. A GET that changes
 * state is excluded with `strict`, and when a browser navigates or prefetches, and never for HEAD.
 */
export function chooseRoute(
  request: IncomingMessage,
  matches: readonly RouteMatch[],
  { strict }: { strict: boolean },
): RouteMatch {
  const { method = 'GET', headers } = request;
  const safeOnly = strict || isNavigation(headers);
  const allowed = ({ methods, changesState }: Route): string[] => {
    const kept = methods.filter((each) => !(safeOnly && each === 'GET' && changesState));
    return kept.includes('GET') && !changesState ? [...kept, 'HEAD'] : kept;
  };
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

function matchPath(
  names: readonly string[],
  values: readonly (string | undefined)[],
): Record<string, string> | undefined {
  if (names.length !== values.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const value = values[index];
    if (value === undefined) return undefined;
    if (name.startsWith(':') && value !== '') params[name.slice(1)] = value;
    else if (name !== value) return undefined;
  }
  return params;
}

/** Undefined for what is no encoded text. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
