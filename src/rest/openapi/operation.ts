import type { Method, Route } from '../routes/route.ts';
import { ref } from '../schemas/json-schema.ts';
import { EXAMPLES } from './examples.ts';
import { PARAMETERS, type ParameterName } from './parameters.ts';
import { successHeaders } from './responses.ts';

const REFUSED_GETS = 'Refused when a browser navigates or prefetches, and by gateways with STRICT_REST.';
const STREAM =
  'Server-sent events, each with one JSON document as its data. The stream ends with the token; a client that reads ' +
  'too slowly is disconnected.';

/** The operation of a route for one of its methods. */
export function operationOf(route: Route, method: Method): object {
  const { id, tag, summary, description, body, changesState, methods } = route;
  const isDeprecated = changesState && method === 'GET';
  const parameters = parametersOf(route);
  return {
    operationId: isDeprecated ? `${id}ByGet` : id,
    tags: [tag],
    summary,
    ...(isDeprecated && { deprecated: true }),
    description: isDeprecated
      ? `For old clients: use ${methods.find((each) => each !== 'GET')}. ${REFUSED_GETS}`
      : 'event' in route
        ? `${description} ${STREAM}`
        : description,
    ...(parameters.length > 0 && { parameters: parameters.map(refTo) }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: ref(body), ...EXAMPLES[body] } } },
    }),
    responses: {
      ...successOf(route, { isDeprecated }),
      '4XX': { $ref: '#/components/responses/ClientError' },
      '5XX': { $ref: '#/components/responses/ServerError' },
    },
  };
}

/** The header that goes with a parameter which resumes. */
const RESUMES: Partial<Record<ParameterName, readonly ParameterName[]>> = {
  after: ['lastEventId'],
  afterLine: ['lastLine'],
};

function parametersOf(route: Route): ParameterName[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name as ParameterName);
  return [
    ...inPath,
    ...(route.query ?? []).flatMap((name): ParameterName[] => [name, ...(RESUMES[name] ?? [])]),
    ...(route.fields?.['idempotencyKey'] === undefined ? [] : (['idempotencyKey'] as const)),
  ];
}

function refTo(name: ParameterName): object {
  if (!Object.hasOwn(PARAMETERS, name)) throw new Error(`The parameter ${name} is not described.`);
  return { $ref: `#/components/parameters/${name}` };
}

function successOf(route: Route, { isDeprecated }: { isDeprecated: boolean }): object {
  const schema = ref(route.result);
  const headers = successHeaders({ isDeprecated });
  if ('event' in route) {
    return {
      200: { description: 'The stream.', headers, content: { 'text/event-stream': { schema } } },
      204: { description: 'To a client that connects again: the VM is gone.', headers },
    };
  }
  return { [route.status]: { description: 'Done.', headers, content: { 'application/json': { schema } } } };
}
