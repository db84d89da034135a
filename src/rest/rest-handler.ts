import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Authenticate } from '../auth/authenticate.ts';
import { ApiError, httpStatusOf, isErrorCode, type FieldProblem } from '../errors.ts';
import type { Asker } from '../graphql/schema/context.ts';
import type { Gateway } from '../graphql/pipeline/gateway.ts';
import { requestIdOf } from '../http/request-id.ts';
import { logFailure } from '../lib/log-failure.ts';
import { errorHeaders } from '../http/error-headers.ts';
import { readBody } from '../http/read-body.ts';
import { sendJson } from '../http/send-response.ts';
import { parseJsonObject, type JsonObject } from '../http/json.ts';
import type { Log } from '../log.ts';
import { openapiDocument } from './openapi.ts';
import { ROUTES, type RestData, type RestRequest, type Route } from './routes.ts';

const MAX_BODY_BYTES = 256 * 1024;
const NO_STORE = { 'cache-control': 'no-store' } as const;

interface RestOptions {
  readonly gateway: Gateway;
  readonly authenticate: Authenticate;
  /** STRICT_REST: a GET never changes state, not even for the seed's old clients. */
  readonly strict: boolean;
  readonly log: Log;
}

/** The seed's REST API. False when no route has the path. */
export function createRestHandler(options: RestOptions) {
  return async (request: IncomingMessage, reply: ServerResponse, path: string): Promise<boolean> => {
    if (path === '/openapi.json') {
      sendJson(reply, 200, openapiDocument());
      return true;
    }
    const matches = ROUTES.flatMap((route) => {
      const params = matchPath(route.path, path);
      return params === undefined ? [] : [{ route, params }];
    });
    // The words of the seed's paths come first in the table; a UUID is none of them.
    const [first] = matches;
    if (first === undefined) return false;
    const sameDoor = matches.filter(({ route }) => route.path === first.route.path);
    try {
      const { status, body } = await answer(request, sameDoor, options);
      sendJson(reply, status, body, NO_STORE);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code } = error;
      // What an operation failed with has its line.
      if (!(error instanceof OperationError)) {
        logFailure(options.log, { requestId: requestIdOf(request), operation: `${request.method} ${first.route.path}`, code }, error);
      }
      sendError(request, reply, error);
    }
    return true;
  };
}

type Match = { route: Route; params: Record<string, string> };

async function answer(
  request: IncomingMessage,
  matches: readonly Match[],
  options: RestOptions,
): Promise<{ status: number; body: unknown }> {
  const { gateway, authenticate, strict } = options;
  const { route, params } = chooseRoute(request, matches, strict);
  const asker: Asker = { ...(await authenticate(request)), route: `${request.method} ${route.path}` };
  const takesBody = request.method === 'POST' && !route.path.includes(':');
  const key = request.headers['idempotency-key'];
  const restRequest: RestRequest = {
    params,
    body: takesBody ? await readJson(request) : {},
    idempotencyKey: typeof key === 'string' ? key : undefined,
  };
  const data = await runOperation(gateway, asker, route, restRequest);
  const body = route.reply(data, restRequest);
  if (body === undefined) throw new ApiError('NOT_FOUND');
  return { status: route.status, body };
}

/** The route for the method, or METHOD_NOT_ALLOWED with those that are. */
function chooseRoute(request: IncomingMessage, matches: readonly Match[], strict: boolean): Match {
  const { method = 'GET', headers } = request;
  const safeOnly = strict || isNavigation(headers);
  const allowed = (route: Route): string[] => route.methods.filter((each) => !(safeOnly && each === 'GET' && route.changesState));
  const match = matches.find(({ route }) => allowed(route).includes(method));
  if (match !== undefined) return match;
  throw new MethodNotAllowed(matches.flatMap(({ route }) => allowed(route)));
}

class MethodNotAllowed extends ApiError {
  readonly allow: string;
  constructor(methods: readonly string[]) {
    super('METHOD_NOT_ALLOWED', `This method is not allowed here; these are: ${methods.join(', ')}.`);
    this.allow = methods.join(', ');
  }
}

/** A browser that follows a link or guesses the next one: never the way to change anything. */
function isNavigation(headers: IncomingMessage['headers']): boolean {
  return headers['sec-purpose'] !== undefined || headers['purpose'] === 'prefetch' || headers['sec-fetch-mode'] === 'navigate';
}

async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
  return parseJsonObject(await readBody(request, MAX_BODY_BYTES));
}

/** Runs the route's operation, and again for each further page when it lists VMs. */
async function runOperation(gateway: Gateway, asker: Asker, route: Route, request: RestRequest): Promise<RestData> {
  const nodes: RestData['nodes'][number][] = [];
  for (let after: string | undefined; ;) {
    const operation = await gateway.prepare({ query: route.document, variables: { ...route.variables(request), after } }, asker);
    if (!('kind' in operation)) throw toApiError(operation, route);
    const { data, errors } = await operation.execute();
    if (errors !== undefined && errors.length > 0) throw toApiError(errors, route);
    const page = data as (RestData & { vms?: VmPage }) | null | undefined;
    nodes.push(...(page?.vms?.nodes ?? []));
    if (page?.vms?.pageInfo.hasNextPage !== true) return { ...page, nodes };
    after = page.vms.pageInfo.endCursor;
  }
}

interface VmPage {
  readonly nodes: RestData['nodes'];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

/** The operation's errors as REST says them: the first one's code, every bad field under its REST name. */
function toApiError(errors: readonly GraphQLError[], route: Route): OperationError {
  const [first] = errors;
  const code = first?.extensions['code'];
  if (!isErrorCode(code)) return new OperationError('INTERNAL_SERVER_ERROR', undefined, { cause: first });
  const fields = errors
    .flatMap(({ extensions }) => (Array.isArray(extensions['fields']) ? (extensions['fields'] as FieldProblem[]) : []))
    .map(({ path, message }) => ({ path: restPath(path, route), message }));
  const violations = first?.extensions['violations'];
  const retryAfterSeconds = first?.extensions['retryAfterSeconds'];
  const message = fields.length > 0 ? fields.map((field) => `${field.path}: ${field.message}`).join(' ') : first?.message;
  return new OperationError(code, message, {
    ...(fields.length > 0 && { fields }),
    ...(Array.isArray(violations) && { violations: violations as object[] }),
    ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
  });
}

/** An error of a route's operation. */
class OperationError extends ApiError {}

/** REST has no argument `input`, and its own names for what is in it. */
function restPath(path: string, { fields }: Route): string {
  const inside = path.replace(/^input\./, '');
  return fields?.[inside] ?? inside;
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

/** An error as the REST API says it. */
export function sendError(request: IncomingMessage, reply: ServerResponse, error: unknown): void {
  const api = error instanceof ApiError ? error : new ApiError('INTERNAL_SERVER_ERROR', undefined, { cause: error });
  const allow = api instanceof MethodNotAllowed && { allow: api.allow };
  const headers = { ...NO_STORE, ...errorHeaders(api, request), ...allow };
  const requestId = api.code === 'INTERNAL_SERVER_ERROR' && { requestId: requestIdOf(request) };
  sendJson(reply, httpStatusOf(api.code), { error: api.message, code: api.code, ...api.details, ...requestId }, headers);
}
